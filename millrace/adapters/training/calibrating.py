"""How is a whole pipeline calibrated on answers of fits that have not seen the rows?"""

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from millrace.adapters.training.pipeline import UnsupportedPipelineError, last_step

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def calibrate_around(pipeline: Any, method: str, parts: list[tuple[Any, Any]]) -> Any:
    """Put the calibration around the whole pipeline: any of its steps may learn from labels."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

    if not isinstance(pipeline, Pipeline):
        found = type(pipeline).__name__
        raise UnsupportedPipelineError("calibration", found, "a Pipeline, whose last step is calibrated")
    return CalibratedClassifierCV(pipeline, method=method, cv=parts, ensemble=False)


def calibrate_last(fitted: Any) -> "Pipeline":
    """Move the fitted calibration to the last step, where it converts: the answers are the same."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

    [one] = fitted.calibrated_classifiers_
    *before, (name, last) = one.estimator.steps
    one.estimator = last
    calibrated = CalibratedClassifierCV(last, method=fitted.method, ensemble=False)
    calibrated.classes_, calibrated.calibrated_classifiers_ = fitted.classes_, [one]
    if hasattr(last, "n_features_in_"):
        calibrated.n_features_in_ = last.n_features_in_
    return Pipeline([*before, (name, calibrated)])


def weight_parameters(pipeline: Any) -> tuple[str, ...]:
    """Name where `fit` takes weights: that of what answers, and of the calibration around it."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

    if isinstance(pipeline, CalibratedClassifierCV) and isinstance(pipeline.estimator, Pipeline):
        return ("sample_weight", f"{last_step(pipeline.estimator)[0]}sample_weight")
    return (f"{last_step(pipeline)[0]}sample_weight",)


@contextlib.contextmanager
def weighed_silently() -> Iterator[None]:
    """Keep scikit-learn from saying that a calibrated pipeline is not weighed: its last step is told."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Since Pipeline does not appear to accept sample_weight")
        yield
