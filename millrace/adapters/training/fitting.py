"""How is a pipeline fitted, so that the same rows give the same bytes?"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from millrace.adapters.training.calibrating import (
    calibrate_around,
    calibrate_last,
    weighed_silently,
    weight_parameters,
)
from millrace.adapters.training.estimators import ESTIMATORS
from millrace.adapters.training.folds import NoPartsError, part_rows
from millrace.adapters.training.pipeline import (
    CustomBuild,
    UnsupportedPipelineError,
    build_pipeline,
    class_weight_of,
    last_step,
)
from millrace.domain.answers import FloatArray, FoldAnswers, answers_of
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from sklearn.pipeline import Pipeline


class EmptyFeatureError(MillraceError):
    """A feature has no value, or a text no word, in any training row: nothing can be learned from it."""

    def __init__(self, features: tuple[str, ...], rows: int, what: str = "value") -> None:
        self.features, self.rows, self.what = features, rows, what
        super().__init__(
            f"{', '.join(features)}: found no {what} in {rows} training rows, needed one at least. "
            "Take it out of [features], or widen training.window"
        )


class UnfittedError(MillraceError):
    """scikit-learn refused to fit the pipeline to these rows."""

    def __init__(self, rows: int, reason: str) -> None:
        # XGBoost adds where in its C++ it was
        told = " ".join(reason.partition("Stack trace")[0].split()).rstrip(".")
        self.rows, self.reason = rows, told
        super().__init__(
            f"the pipeline could not be fitted to {rows} rows: {told}. Correct [training] of model.toml"
        )


@dataclass(frozen=True, eq=False)
class Learned:
    """Rows to learn from, paired by position: as of `feature_frame`, `label_values` and `row_weights`.

    `classes` are the names of the labels, for errors.
    """

    features: "pd.DataFrame"
    labels: FloatArray
    blocks: "npt.NDArray[np.str_]"
    weights: FloatArray | None = None
    classes: tuple[str, ...] = ()

    def at(self, rows: "npt.NDArray[np.intp]") -> "Learned":
        """Return some of the rows; see `fill_unknown`."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(
            self,
            features=fill_unknown(self.features.iloc[rows]),
            labels=self.labels[rows],
            blocks=self.blocks[rows],
            weights=weights,
        )


def fill_unknown(features: "pd.DataFrame") -> "pd.DataFrame":
    """Put 0 into each column in which no value is known: the same for all rows, it teaches nothing.

    What all rows know something of, some of them may not, such as those from before a column was there.
    """
    empty = [name for name in features.columns if features[name].isna().all()]
    return features.assign(**dict.fromkeys(empty, 0.0)) if empty else features


def fit_pipeline(
    pipeline: "Pipeline",
    features: "pd.DataFrame",
    labels: FloatArray,
    seed: int,
    weights: FloatArray | None = None,
) -> "Pipeline":
    """Fit to `feature_frame` rows and `label_values` labels; the same bytes on any number of threads.

    BLAS sums in an order that depends on its threads, so it gets one. OpenMP is left alone:
    histogram gradient boosting gives the same trees on one thread and on two.
    """
    from threadpoolctl import threadpool_limits

    if empty := tuple(name for name in features.columns if features[name].isna().all()):
        raise EmptyFeatureError(empty, len(features))
    given = {} if weights is None else dict.fromkeys(weight_parameters(pipeline), weights)
    try:
        with threadpool_limits(limits=1, user_api="blas"), _global_seed(seed), weighed_silently():
            pipeline.fit(features, labels, **given)
    except _refusals() as error:
        raise UnfittedError(len(features), str(error)) from error
    return pipeline


def fit_model(
    config: ModelConfig, parameters: Mapping[str, object], custom: CustomBuild | None, learned: Learned
) -> "Pipeline":
    """Build and fit all that `[training]` asks for: weights, and calibration by folds of the rows."""
    pipeline = build_pipeline(config, config.training.estimator, parameters, custom)
    weights, seed = _weights(config, pipeline, learned), config.training.seed
    _check_words(config, learned.features)
    if config.training.calibration is None:
        return fit_pipeline(pipeline, learned.features, learned.labels, seed, weights)
    calibrating = calibrate_around(pipeline, config.training.calibration, _parts(config, learned))
    return calibrate_last(fit_pipeline(calibrating, learned.features, learned.labels, seed, weights))


def answer_folds(
    config: ModelConfig,
    custom: CustomBuild | None,
    features: "pd.DataFrame",
    labels: FloatArray,
    weights: FloatArray | None = None,
) -> FoldAnswers:
    """Return what a search asks: fit these parameters to some rows, answer the others.

    Rows count by their weights where they are learned from. Nothing is calibrated: that would cost a search
    six fits in place of one, and moves all its trials alike.

    Raises
    ------
    UnsupportedPipelineError
        At once, if what is searched for could not be trained in the end.
    """
    if config.training.estimator in ESTIMATORS:  # of one's own there is nothing to search
        built = build_pipeline(config, config.training.estimator, config.training.parameters, None)
        _check_weighing(config, built, is_weighted=weights is not None)
    plain = config.model_copy(update={"training": config.training.model_copy(update={"calibration": None})})
    # which only a calibration reads
    learned = Learned(features, labels, np.empty(len(labels), dtype=np.str_), weights)

    def answer(
        parameters: Mapping[str, object], train: "npt.NDArray[np.intp]", judged: "npt.NDArray[np.intp]"
    ) -> FloatArray:
        pipeline = fit_model(plain, parameters, custom, learned.at(train))
        return answers_of(pipeline, features.iloc[judged], config.model.task)

    return answer


def answer_unseen(
    config: ModelConfig, parameters: Mapping[str, object], custom: CustomBuild | None, learned: Learned
) -> FloatArray:
    """Answer every training row by a fit that has not seen its block; see `answers_of` for the form."""
    found: list[tuple[Any, FloatArray]] = []
    for train, judged in _parts(config, learned):
        try:
            pipeline = fit_model(config, parameters, custom, learned.at(train))
        except NoPartsError as error:
            blocks = len(np.unique(learned.blocks))
            raise NoPartsError(blocks, error.missing, is_parted_twice=True) from error
        found.append((judged, answers_of(pipeline, learned.features.iloc[judged], config.model.task)))
    rows = np.concatenate([judged for judged, _ in found])
    answers: FloatArray = np.concatenate([answers for _, answers in found])[np.argsort(rows)]
    return answers


def _weights(config: ModelConfig, pipeline: Any, learned: Learned) -> FloatArray | None:
    """Return the weights of the rows; classes are in them where what answers cannot weigh those itself."""
    from sklearn.utils.class_weight import compute_sample_weight

    _check_weighing(config, pipeline, is_weighted=learned.weights is not None)
    if not _weighs_by_rows(config, pipeline):
        return learned.weights
    balanced: FloatArray = compute_sample_weight(config.training.class_weight, learned.labels)
    return balanced if learned.weights is None else balanced * learned.weights


def _weighs_by_rows(config: ModelConfig, pipeline: Any) -> bool:
    return config.training.class_weight is not None and class_weight_of(pipeline) is None


def _check_weighing(config: ModelConfig, pipeline: Any, *, is_weighted: bool) -> None:
    from sklearn.utils.validation import has_fit_parameter

    training, (_, last) = config.training, last_step(pipeline)
    by_rows = _weighs_by_rows(config, pipeline)
    if by_rows and training.calibration is not None:
        # the calibrators would be fitted to the weights, and answer for a world of even classes
        raise UnsupportedPipelineError(
            "class_weight",
            f"{type(last).__name__}, which has no class weights of its own",
            "one that has, so that training.calibration sees the classes as they are",
        )
    if (by_rows or is_weighted) and not has_fit_parameter(last, "sample_weight"):
        asked = "class_weight" if by_rows else "sample_weight"
        raise UnsupportedPipelineError(
            asked,
            f"{type(last).__name__}, which takes no weights",
            "a last step that fits with sample_weight",
        )


def _check_words(config: ModelConfig, features: "pd.DataFrame") -> None:
    # they come folded: what is left is words
    if empty := tuple(name for name in config.features.text if not features[name].str.strip().ne("").any()):
        raise EmptyFeatureError(empty, len(features), "word")


def _parts(config: ModelConfig, learned: Learned) -> list[tuple[Any, Any]]:
    return part_rows(
        learned.labels,
        learned.blocks,
        is_timed=config.data.time is not None,
        is_classes=config.model.task is not Task.REGRESSION,
        classes=learned.classes,
    )


def _refusals() -> tuple[type[Exception], ...]:
    """Return what estimators raise; LightGBM's errors are of its own kind, if anybody has imported it."""
    lightgbm = sys.modules.get("lightgbm")
    own = () if lightgbm is None else (lightgbm.basic.LightGBMError,)
    return (ValueError, TypeError, *own)


@contextlib.contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed what no parameter reaches, such as the folds inside TargetEncoder, and put the state back."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
