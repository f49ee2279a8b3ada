"""Which estimators are built in, and in which form do they take the columns?"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from millrace.domain.kinds import Task
from millrace.errors import MillraceError

LINEAR = "linear"
HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
RANDOM_FOREST = "random_forest"
LIGHTGBM = "lightgbm"
XGBOOST = "xgboost"

SPARSE_WORDS = 2_000
DENSE_WORDS = 300
"""So many words and pairs of words of a text column are features, the most frequent ones: as many where
zeros take no memory as where each of them is a number in every row."""

FOREST_TREES = 100
FOREST_LEAVES = 256
"""They bound the graph: about 2.5 MB for two classes, whatever the number of rows."""

ONE_THREAD = "with more threads than one the same rows may give other bytes"
RESERVED_PARAMETERS = {
    "random_state": "it is training.seed",
    "class_weight": "it is training.class_weight",
    "categorical_features": "its conversion to ONNX answers wrongly without an error",
    "enable_categorical": "its conversion to ONNX answers wrongly without an error",
    "n_jobs": ONE_THREAD,
    "warm_start": "every training starts afresh",
}


class UnknownEstimatorError(MillraceError):
    """`training.estimator` names neither a built-in estimator nor the model's own pipeline."""

    def __init__(self, estimator: str) -> None:
        self.estimator = estimator
        self.allowed = (*ESTIMATORS, "pipeline:build")
        nearest = difflib.get_close_matches(estimator, self.allowed, n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        super().__init__(
            f"training.estimator is {estimator!r}{hint} Allowed are {', '.join(self.allowed)}, the last one "
            "a function in the pipeline.py of the model's folder. Correct model.toml"
        )


class EstimatorParameterError(MillraceError):
    """`training.parameters` names something the estimator does not have, or that is not to be set."""

    def __init__(self, name: str, reason: str, allowed: tuple[str, ...]) -> None:
        self.name, self.reason, self.allowed = name, reason, allowed
        nearest = difflib.get_close_matches(name, allowed, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        super().__init__(
            f"training.parameters.{name}: {reason}{hint} Allowed are {', '.join(allowed)}. Correct model.toml"
        )


@dataclass(frozen=True)
class Estimator:
    """A built-in estimator, and what becomes of the columns before it.

    Parameters
    ----------
    make
        Builds it, unfitted.
    takes_nulls
        Whether it sees NaN; for the others the median of the training rows stands in.
    is_linear
        Whether numbers are scaled and categories are a column each; trees get their codes.
    takes_sparse
        Whether zeros may be left out. XGBoost takes what is left out for null, and a graph does not.
    """

    make: Callable[[Task], Any]
    takes_nulls: bool = False
    is_linear: bool = False
    takes_sparse: bool = False

    @property
    def words(self) -> int:
        """How many words of a text column are features."""
        return SPARSE_WORDS if self.takes_sparse else DENSE_WORDS


def set_parameters(model: Any, parameters: Mapping[str, object]) -> None:
    """Set hyperparameters by their names.

    Raises
    ------
    EstimatorParameterError
        At the first that the estimator does not have, or that is set elsewhere.
    """
    allowed = tuple(sorted(name for name in model.get_params() if _reason_against(name) is None))
    for name in parameters:
        if (reason := _reason_against(name)) is not None:
            raise EstimatorParameterError(name, f"is not to be set, {reason}.", allowed)
        if name not in allowed:
            raise EstimatorParameterError(name, "is unknown", allowed)
    model.set_params(**parameters)


def _reason_against(name: str) -> str | None:
    return RESERVED_PARAMETERS.get(name.rpartition("__")[2])


def _make_linear(task: Task) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if task is Task.REGRESSION else LogisticRegression(max_iter=1000)


def _make_boosting(task: Task) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return HistGradientBoostingRegressor() if task is Task.REGRESSION else HistGradientBoostingClassifier()


def _make_forest(task: Task) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if task is Task.REGRESSION else RandomForestClassifier
    return kind(n_estimators=FOREST_TREES, max_leaf_nodes=FOREST_LEAVES, min_samples_leaf=5)


def _make_lightgbm(task: Task) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if task is Task.REGRESSION else LGBMClassifier
    return kind(n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1)


def _make_xgboost(task: Task) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBRegressor if task is Task.REGRESSION else XGBClassifier
    return kind(n_jobs=1, tree_method="hist", n_estimators=100, learning_rate=0.3, max_depth=6)


ESTIMATORS: dict[str, Estimator] = {
    HIST_GRADIENT_BOOSTING: Estimator(_make_boosting, takes_nulls=True),
    LINEAR: Estimator(_make_linear, is_linear=True, takes_sparse=True),
    RANDOM_FOREST: Estimator(_make_forest),
    LIGHTGBM: Estimator(_make_lightgbm, takes_nulls=True, takes_sparse=True),
    XGBOOST: Estimator(_make_xgboost, takes_nulls=True),
}
