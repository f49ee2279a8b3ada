"""How is a challenger's pipeline built and fitted, the same way every time?"""

import contextlib
import difflib
import platform
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.domain.answers import FloatArray, answers_of
from millrace.domain.config import Metric, ModelConfig
from millrace.domain.kinds import Task
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from sklearn.pipeline import Pipeline

CustomBuild = Callable[[ModelConfig], Any]
FoldAnswers = Callable[[Mapping[str, object], "npt.NDArray[np.intp]", "npt.NDArray[np.intp]"], FloatArray]

LINEAR = "linear"
HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"

RESERVED_PARAMETERS = {
    "random_state": "it is training.seed",
    "categorical_features": "its conversion to ONNX answers wrongly without an error",
}

TRAINING_PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "optuna",
    "onnx",
    "skl2onnx",
    "onnxruntime",
    "skops",
)


class UnknownEstimatorError(MillraceError):
    """`training.estimator` names neither a built-in estimator nor the model's own pipeline."""

    def __init__(self, estimator: str) -> None:
        self.estimator = estimator
        self.allowed = (HIST_GRADIENT_BOOSTING, LINEAR, "pipeline:build")
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


class EmptyFeatureError(MillraceError):
    """A feature has no value in any training row: nothing can be learned from it."""

    def __init__(self, features: tuple[str, ...], rows: int) -> None:
        self.features, self.rows = features, rows
        super().__init__(
            f"{', '.join(features)}: found no value in {rows} training rows, needed one at least. "
            "Take it out of [features], or widen training.window"
        )


class UnfittedError(MillraceError):
    """scikit-learn refused to fit the pipeline to these rows."""

    def __init__(self, rows: int, reason: str) -> None:
        self.rows, self.reason = rows, reason
        super().__init__(
            f"the pipeline could not be fitted to {rows} rows: {reason}. Correct [training] of model.toml"
        )


class UndefinedConstantError(MillraceError):
    """A constant answer is one number, and a multiclass answer is not."""

    def __init__(self, task: Task) -> None:
        self.task = task
        super().__init__(
            f"a {task} model has no constant answer, needed is a binary or regression one. Correct model.task"
        )


def build_pipeline(
    config: ModelConfig, estimator: str, parameters: Mapping[str, object], custom: CustomBuild | None
) -> "Pipeline":
    """Build an unfitted pipeline from columns to answers; `custom` is what "pipeline:build" names."""
    if custom is not None:
        pipeline = custom(config)
        _set_parameters(pipeline, parameters)
    elif estimator == HIST_GRADIENT_BOOSTING:
        pipeline = _boosting_pipeline(config, parameters)
    elif estimator == LINEAR:
        pipeline = _linear_pipeline(config, parameters)
    else:
        raise UnknownEstimatorError(estimator)
    return _seeded(pipeline, config.training.seed)


def fit_pipeline(pipeline: "Pipeline", features: "pd.DataFrame", labels: FloatArray, seed: int) -> "Pipeline":
    """Fit to `feature_frame` rows and `label_values` labels; the same bytes on any number of threads.

    BLAS sums in an order that depends on its threads, so it gets one. OpenMP is left alone:
    histogram gradient boosting gives the same trees on one thread and on two.
    """
    from threadpoolctl import threadpool_limits

    if empty := tuple(name for name in features.columns if features[name].isna().all()):
        raise EmptyFeatureError(empty, len(features))
    try:
        with threadpool_limits(limits=1, user_api="blas"), _global_seed(seed):
            pipeline.fit(features, labels)
    except (ValueError, TypeError) as error:
        raise UnfittedError(len(features), str(error)) from error
    return pipeline


def answer_folds(
    config: ModelConfig, custom: CustomBuild | None, features: "pd.DataFrame", labels: FloatArray
) -> FoldAnswers:
    """Return what a search asks: fit these parameters to some rows, answer the others."""

    def answer(
        parameters: Mapping[str, object], train: "npt.NDArray[np.intp]", judged: "npt.NDArray[np.intp]"
    ) -> FloatArray:
        pipeline = build_pipeline(config, config.training.estimator, parameters, custom)
        fit_pipeline(pipeline, features.iloc[train], labels[train], config.training.seed)
        return answers_of(pipeline, features.iloc[judged], config.model.task)

    return answer


def baseline_config(config: ModelConfig) -> ModelConfig:
    """Return the same model with the plain linear estimator, which every challenger is held to."""
    plain: dict[str, object] = {"estimator": LINEAR, "parameters": {}, "search": None}
    return config.model_copy(update={"training": config.training.model_copy(update=plain)})


def constant_answer(labels: FloatArray, task: Task, metric: Metric) -> float:
    """Return the one answer that is best for all rows: what a model must beat to know anything."""
    match task:
        case Task.BINARY:
            return float(np.mean(labels))
        case Task.REGRESSION:
            return float(np.median(labels) if metric is Metric.MAE else np.mean(labels))
        case Task.MULTICLASS:
            raise UndefinedConstantError(task)


@cache
def training_environment() -> dict[str, str]:
    """Return the versions that trained and exported, for the manifest."""
    packages = {package: version(package) for package in TRAINING_PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine(), **packages}


def _boosting_pipeline(config: ModelConfig, parameters: Mapping[str, object]) -> "Pipeline":
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )
    from sklearn.preprocessing import OrdinalEncoder

    is_regression = config.model.task is Task.REGRESSION
    model = HistGradientBoostingRegressor() if is_regression else HistGradientBoostingClassifier()
    _set_parameters(model, parameters)
    categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return _columns_then(model, config, "passthrough", categories)


def _linear_pipeline(config: ModelConfig, parameters: Mapping[str, object]) -> "Pipeline":
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    is_regression = config.model.task is Task.REGRESSION
    model = Ridge() if is_regression else LogisticRegression(max_iter=1000)
    _set_parameters(model, parameters)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return _columns_then(model, config, numbers, OneHotEncoder(handle_unknown="ignore"))


def _columns_then(model: Any, config: ModelConfig, numbers: Any, categories: Any) -> "Pipeline":
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    wanted = [
        ("numeric", numbers, list(config.features.numeric)),
        ("categorical", categories, list(config.features.categorical)),
    ]
    columns = ColumnTransformer([step for step in wanted if step[2]])
    return Pipeline([("columns", columns), ("model", model)])


def _set_parameters(model: Any, parameters: Mapping[str, object]) -> None:
    allowed = tuple(sorted(set(model.get_params()) - set(RESERVED_PARAMETERS)))
    for name in parameters:
        reserved = RESERVED_PARAMETERS.get(name.rpartition("__")[2])
        if reserved is not None:
            raise EstimatorParameterError(name, f"is not to be set, {reserved}.", allowed)
        if name not in allowed:
            raise EstimatorParameterError(name, "is unknown", allowed)
    model.set_params(**parameters)


@contextlib.contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed what no parameter reaches, such as the folds inside TargetEncoder, and put the state back."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def _seeded(pipeline: Any, seed: int) -> "Pipeline":
    unseeded = {
        name: seed
        for name, value in pipeline.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return pipeline.set_params(**unseeded)
