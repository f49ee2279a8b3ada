"""What does the pipeline of a `model.toml` look like before it is fitted?"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from millrace.adapters.training.estimators import (
    ESTIMATORS,
    LINEAR,
    Estimator,
    UnknownEstimatorError,
    set_parameters,
)
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from millrace.domain.words import WORD
from millrace.errors import MillraceError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CustomBuild = Callable[[ModelConfig], Any]


class UnsupportedPipelineError(MillraceError):
    """The estimator, or one's own pipeline, cannot do what `[training]` asks of it."""

    def __init__(self, asked: str, found: str, needed: str) -> None:
        self.asked, self.found, self.needed = asked, found, needed
        super().__init__(
            f"training.{asked} is set, but what answers is {found}; needed is {needed}. Change "
            f"training.estimator (or the pipeline.py it names), or take training.{asked} out of model.toml"
        )


class InvalidBuildError(MillraceError):
    """The function that `training.estimator` names fails, or builds nothing that can learn and answer."""

    def __init__(self, config: ModelConfig, found: str, needed: str) -> None:
        file, _, function = config.training.estimator.partition(":")
        self.file, self.function = f"models/{config.name}/{file}.py", function
        self.found, self.needed = found, needed
        super().__init__(f"{self.file}, function {function}: {found}, needed is {needed}. Correct it")


def build_pipeline(
    config: ModelConfig, estimator: str, parameters: Mapping[str, object], custom: CustomBuild | None
) -> "Pipeline":
    """Build an unfitted pipeline from columns to answers; `custom` is what "pipeline:build" names.

    The calibration that `[training]` may ask for is not in it: `fit_model` adds it.

    Raises
    ------
    InvalidBuildError
        If `custom` raises, or returns nothing of use.
    """
    if custom is not None:
        pipeline = _built_by(custom, config)
        set_parameters(pipeline, parameters)
    elif estimator in ESTIMATORS:
        pipeline = _built_in(config, ESTIMATORS[estimator], parameters)
    else:
        raise UnknownEstimatorError(estimator)
    if config.training.class_weight is not None and (name := class_weight_of(pipeline)) is not None:
        pipeline.set_params(**{name: config.training.class_weight})
    return _seeded(pipeline, config.training.seed)


def baseline_config(config: ModelConfig) -> ModelConfig:
    """Return the same model with the plain linear estimator, which every challenger is held to.

    A threshold is chosen as the challenger's is: where decisions are judged, one at a half is no rival.
    """
    plain: dict[str, object] = {
        "estimator": LINEAR,
        "parameters": {},
        "search": None,
        "class_weight": None,
        "sample_weight": None,
        "calibration": None,
    }
    return config.model_copy(update={"training": config.training.model_copy(update=plain)})


def last_step(pipeline: Any) -> tuple[str, Any]:
    """Return what answers in the end, with the prefix of its parameters."""
    from sklearn.pipeline import Pipeline

    if not isinstance(pipeline, Pipeline):
        return "", pipeline
    name, last = pipeline.steps[-1]
    return f"{name}__", last


def class_weight_of(pipeline: Any) -> str | None:
    """Return the parameter by which what answers weighs classes, None where it has none."""
    prefix, last = last_step(pipeline)
    return f"{prefix}class_weight" if "class_weight" in last.get_params(deep=False) else None


def _built_by(custom: CustomBuild, config: ModelConfig) -> Any:
    try:
        pipeline = custom(config)
        missing = _missing_ways(pipeline, config)
    except MillraceError:
        raise
    except Exception as error:
        told = f"it raised {type(error).__name__}: {' '.join(str(error).split())}"
        raise InvalidBuildError(config, told, "a function build(config) that returns an estimator") from error
    if missing:
        found = f"it returned {_spell(pipeline)}, without {', '.join(missing)}"
        raise InvalidBuildError(config, found, _needed(config))
    return pipeline


def _missing_ways(built: Any, config: ModelConfig) -> list[str]:
    answers = "predict" if config.model.task is Task.REGRESSION else "predict_proba"
    if config.training.calibration is not None and hasattr(built, "decision_function"):
        answers = "decision_function"  # which the calibration makes probabilities of
    ways = ("get_params", "set_params", "fit", answers)
    return [way for way in ways if isinstance(built, type) or not hasattr(built, way)]


def _spell(built: Any) -> str:
    from sklearn.pipeline import Pipeline

    if isinstance(built, type):
        return f"the class {built.__name__} itself"
    if isinstance(built, Pipeline) and built.steps:
        return f"a Pipeline up to {type(built.steps[-1][1]).__name__}"
    return " ".join(repr(built).split())


def _needed(config: ModelConfig) -> str:
    if config.model.task is Task.REGRESSION:
        return "an unfitted estimator with fit and predict"
    return (
        "an unfitted classifier with fit and predict_proba (or decision_function, and training.calibration)"
    )


def _built_in(config: ModelConfig, kind: Estimator, parameters: Mapping[str, object]) -> "Pipeline":
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    model, features = kind.make(config.model.task), config.features
    set_parameters(model, parameters)
    wanted = [
        ("numeric", _numbers(kind), list(features.numeric)),
        ("categorical", _categories(kind), list(features.categorical)),
    ]
    texts = [(f"text {at}", _words(kind), name) for at, name in enumerate(features.text)]
    columns = ColumnTransformer(
        [*(step for step in wanted if step[2]), *texts],
        sparse_threshold=0.3 if kind.takes_sparse else 0.0,
    )
    return Pipeline([("columns", columns), ("model", model)])


def _numbers(kind: Estimator) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind.takes_nulls:
        return "passthrough"
    imputer = SimpleImputer(strategy="median")
    return make_pipeline(imputer, StandardScaler()) if kind.is_linear else imputer


def _categories(kind: Estimator) -> Any:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if kind.is_linear:
        return OneHotEncoder(handle_unknown="ignore")
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _words(kind: Estimator) -> Any:
    """Count words and pairs of words, for a linear model weighed by how rare they are (TF-IDF).

    Trees get the counts: a weight that is the same in every row moves no split, and dividing by the length
    of a text is rounded otherwise in a graph, which moves rows across splits (measured: 11 of 600).
    Sublinear counts are not used: their conversion answers wrongly.
    """
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    vectorizer = TfidfVectorizer if kind.is_linear else CountVectorizer
    return vectorizer(
        token_pattern=WORD, lowercase=False, ngram_range=(1, 2), max_features=kind.words, dtype=np.float32
    )


def _seeded(pipeline: Any, seed: int) -> "Pipeline":
    unseeded = {
        name: seed
        for name, value in pipeline.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return pipeline.set_params(**unseeded)
