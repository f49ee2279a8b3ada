"""Which converters does skl2onnx need besides its own?"""

from functools import cache
from typing import Any

OLDER_OPSETS = {"ai.onnx.ml": 3}
"""What onnxmltools writes; of the others skl2onnx chooses the newest it knows."""

CLASSIFIER_OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def prepare_for(pipeline: Any) -> dict[str, int] | None:
    """Register the converters that a pipeline needs, and return the opsets to ask for; None for the newest.

    What it does not hold is not imported: LightGBM and XGBoost take a second.
    """
    from skl2onnx import get_latest_tested_opset_version

    steps = (pipeline, *pipeline.get_params(deep=True).values())
    makers = {type(step).__module__.partition(".")[0] for step in steps}
    _register_calibrated()
    if "lightgbm" in makers:
        _register_lightgbm()
    if "xgboost" in makers:
        _register_xgboost()
    is_foreign = not makers.isdisjoint({"lightgbm", "xgboost"})
    return {"": get_latest_tested_opset_version(), **OLDER_OPSETS} if is_foreign else None


@cache
def _register_calibrated() -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as classifier_shapes,
    )
    from sklearn.calibration import CalibratedClassifierCV

    from millrace.adapters.export.calibrated import convert_calibrated

    update_registered_converter(
        CalibratedClassifierCV,
        "MillraceCalibratedClassifierCV",
        classifier_shapes,
        convert_calibrated,
        options=CLASSIFIER_OPTIONS,
    )


@cache
def _register_lightgbm() -> None:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as classifier_shapes,
    )
    from skl2onnx.common.shape_calculator import (
        calculate_linear_regressor_output_shapes as regressor_shapes,
    )

    def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
        convert_lightgbm(scope, operator, container)
        if container.get_options(operator.raw_operator, {"raw_scores": False})["raw_scores"]:
            _leave_scores(container)

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        classifier_shapes,
        convert_classifier,
        options={**CLASSIFIER_OPTIONS, "raw_scores": [True, False]},
    )
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", regressor_shapes, convert_lightgbm, options={"split": None}
    )


def _leave_scores(container: Any) -> None:
    """Take the way from scores to probabilities out of the trees that were written last."""
    trees = next(node for node in reversed(container.nodes) if node.op_type == "TreeEnsembleClassifier")
    for attribute in trees.attribute:
        if attribute.name == "post_transform":
            attribute.s = b"NONE"


@cache
def _register_xgboost() -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as classifier_shapes,
    )
    from skl2onnx.common.shape_calculator import (
        calculate_linear_regressor_output_shapes as regressor_shapes,
    )
    from xgboost import XGBClassifier, XGBRegressor

    update_registered_converter(
        XGBClassifier, "XGBoostXGBClassifier", classifier_shapes, convert_xgboost, options=CLASSIFIER_OPTIONS
    )
    update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", regressor_shapes, convert_xgboost)
