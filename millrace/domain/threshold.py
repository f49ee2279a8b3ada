"""From which probability on is an answer the positive class?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import ThresholdPolicy
from millrace.errors import MillraceError

MARGIN = 1e-3
"""So far above all answers is the threshold where nothing should be positive: a graph counts in float32, and
may differ from the pipeline that was asked."""


class NoThresholdError(MillraceError):
    """The answers to training rows say nothing about which threshold is best."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"training.threshold is chosen on answers to training rows: found {found}, needed are finite "
            "answers and rows of both classes that count. Correct training.sample_weight, widen "
            "training.window, or take training.threshold out of model.toml"
        )


def choose_threshold(
    policy: ThresholdPolicy,
    labels: FloatArray,
    answers: FloatArray,
    weights: FloatArray | None = None,
    classes: tuple[str, ...] = ("0", "1"),
) -> float:
    """Choose what is best on answers by fits that have not seen the rows.

    Parameters
    ----------
    policy
        What is to be best.
    labels : shape (n_rows,)
        1 for the positive class, 0 for the other.
    answers : shape (n_rows,)
        The probability of the positive class.
    weights : shape (n_rows,)
        How much each row counts.
    classes
        What the two are called, for errors.

    Returns
    -------
    float
        An answer at or above it is positive. It lies midway between two answers, so that rounding on
        another machine moves no row across; of equally good ones it is the highest. Where nothing should
        be positive it is `MARGIN` above all answers, which may be above 1.

    Raises
    ------
    NoThresholdError
        If an answer is not finite, or the rows of a class count nothing.

    References
    ----------
    Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001: with exact probabilities the cheapest
    threshold is false_positive_cost / (false_positive_cost + false_negative_cost). Here it is the cheapest on
    the answers as they are.
    """
    _check_evidence(labels, answers, weights, classes)
    gains, thresholds = _gains(policy, labels, answers, weights)
    best = thresholds[np.flatnonzero(gains >= gains.max() - 1e-12)].max()
    below = answers[answers < best]
    if not below.size:
        return 0.0
    if best > answers.max():
        return float(answers.max()) + MARGIN
    return float((best + below.max()) / 2.0)


def _check_evidence(
    labels: FloatArray, answers: FloatArray, weights: FloatArray | None, classes: tuple[str, ...]
) -> None:
    if wrong := int((~np.isfinite(answers)).sum()):
        raise NoThresholdError(f"{wrong:,} of {answers.size:,} answers not finite")
    for place, name in enumerate(classes):
        of_class = labels == place
        if not of_class.any() or (weights is not None and not weights[of_class].any()):
            rows = f"{int(of_class.sum()):,} rows of class {name!r}"
            raise NoThresholdError(f"{rows}, of a weight of 0 in all")


def _gains(
    policy: ThresholdPolicy, labels: FloatArray, answers: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return how good each threshold is, higher is better, and the thresholds."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    if policy.maximise == "f1":
        precision, recall, thresholds = precision_recall_curve(labels, answers, sample_weight=weights)
        both = precision + recall
        f1 = np.divide(2.0 * precision * recall, both, out=np.zeros_like(both), where=both > 0.0)
        return f1[:-1], thresholds
    # above all answers nothing is positive: the first threshold is infinite
    false, true, thresholds = roc_curve(labels, answers, sample_weight=weights, drop_intermediate=False)
    if policy.maximise == "balanced_accuracy":
        return (true + 1.0 - false) / 2.0, thresholds
    counts = np.bincount(labels.astype(np.intp), weights=weights, minlength=2)
    wrongly_positive, missed = false * counts[0], (1.0 - true) * counts[1]
    cost = wrongly_positive * (policy.false_positive_cost or 0.0) + missed * (
        policy.false_negative_cost or 0.0
    )
    return -cost, thresholds
