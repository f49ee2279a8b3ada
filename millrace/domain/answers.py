"""What does a fitted pipeline answer, and is the bundle's answer the same?"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from millrace.domain.facts import Agreement
from millrace.domain.kinds import Task
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

FoldAnswers = Callable[[Mapping[str, object], npt.NDArray[np.intp], npt.NDArray[np.intp]], FloatArray]
"""Learn from the first rows with these parameters, and answer the second."""


class FittedPipeline(Protocol):
    """What Millrace asks of a fitted scikit-learn pipeline; a classifier has `predict_proba` too."""

    def predict(self, features: "pd.DataFrame", /) -> Any: ...


class UnpairedAnswersError(MillraceError):
    """Two sets of answers that should be about the same rows differ in shape."""

    def __init__(self, pipeline: tuple[int, ...], bundle: tuple[int, ...]) -> None:
        self.pipeline, self.bundle = pipeline, bundle
        super().__init__(
            f"the pipeline's answers have shape {pipeline}, the bundle's {bundle}; "
            "both must be about the same rows and classes"
        )


def shape_answers(raw: Any, task: Task) -> FloatArray:
    """Bring predictions or class probabilities, shape (n_rows, n_outputs), into the one form of answers.

    Returns
    -------
    shape (n_rows,) or (n_rows, n_classes)
        Binary: the probability of the positive class. Multiclass: those of all classes, in
        the order of the schema. Regression: the predicted value.
    """
    outputs = np.asarray(raw, dtype=np.float64)
    match task:
        case Task.BINARY:
            return outputs[:, 1]
        case Task.MULTICLASS:
            return outputs
        case Task.REGRESSION:
            return outputs.reshape(-1)


def answers_of(pipeline: Any, features: "pd.DataFrame", task: Task) -> FloatArray:
    """Ask a fitted pipeline; `features` come from `feature_frame`. See `shape_answers` for the form."""
    raw = pipeline.predict(features) if task is Task.REGRESSION else pipeline.predict_proba(features)
    return shape_answers(raw, task)


def spread_shares(answers: FloatArray, classes: tuple[str, ...], wanted: tuple[str, ...]) -> FloatArray:
    """Give each of `wanted` classes its share: one that a version does not know has 0.

    Parameters
    ----------
    answers : shape (n_rows, n_classes)

    Returns
    -------
    shape (n_rows, n_wanted)

    >>> spread_shares(np.array([[0.7, 0.3]]), ("a", "c"), ("a", "b", "c")).tolist()
    [[0.7, 0.0, 0.3]]
    """
    if not len(answers):
        return np.empty((0, len(wanted)))
    if classes == wanted:
        return answers
    spread = np.zeros((len(answers), len(wanted)))
    spread[:, [wanted.index(name) for name in classes]] = answers
    # a row without an answer has no share of any class
    spread[np.isnan(answers).any(axis=1)] = np.nan
    return spread


def measure_agreement(pipeline: FloatArray, bundle: FloatArray, tolerance: float) -> Agreement:
    """Count the rows on which two sets of answers differ by more than `tolerance`.

    A row with an answer that is not finite on either side disagrees, and has no part in the
    largest difference.

    Raises
    ------
    UnpairedAnswersError
        If the shapes differ.
    """
    if pipeline.shape != bundle.shape:
        raise UnpairedAnswersError(pipeline.shape, bundle.shape)
    rows = len(pipeline)
    if rows == 0:
        return Agreement(0, 0.0, 0)
    with np.errstate(invalid="ignore"):
        difference = np.abs(pipeline - bundle).reshape(rows, -1).max(axis=1)
    finite = np.isfinite(difference)
    return Agreement(
        rows=rows,
        largest_difference=float(difference[finite].max(initial=0.0)),
        disagreeing_rows=int((~finite | (difference > tolerance)).sum()),
    )
