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
from millrace.domain.words import WORD
from millrace.errors import MillraceError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CustomBuild = Callable[[ModelConfig], Any]


class UnsupportedPipelineError(MillraceError):
    """One's own pipeline cannot do what `[training]` asks of it."""

    def __init__(self, asked: str, found: str, needed: str) -> None:
        self.asked, self.found, self.needed = asked, found, needed
        super().__init__(
            f"training.{asked} is set, but pipeline.py builds {found}; needed is {needed}. "
            f"Change pipeline.py, or take training.{asked} out of model.toml"
        )


def build_pipeline(
    config: ModelConfig, estimator: str, parameters: Mapping[str, object], custom: CustomBuild | None
) -> "Pipeline":
    """Build an unfitted pipeline from columns to answers; `custom` is what "pipeline:build" names.

    The calibration that `[training]` may ask for is not in it: `fit_model` puts it around the last step.
    """
    if custom is not None:
        pipeline = custom(config)
        set_parameters(pipeline, parameters)
    elif estimator in ESTIMATORS:
        pipeline = _built_in(config, ESTIMATORS[estimator], parameters)
    else:
        raise UnknownEstimatorError(estimator)
    if config.training.class_weight is not None and (name := class_weight_of(pipeline)) is not None:
        pipeline.set_params(**{name: config.training.class_weight})
    return _seeded(pipeline, config.training.seed)


def baseline_config(config: ModelConfig) -> ModelConfig:
    """Return the same model with the plain linear estimator, which every challenger is held to."""
    plain: dict[str, object] = {
        "estimator": LINEAR,
        "parameters": {},
        "search": None,
        "class_weight": None,
        "sample_weight": None,
        "calibration": None,
        "threshold": None,
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
