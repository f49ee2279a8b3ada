"""How much does a model lose, block by block, so that every bootstrap round is one matrix product?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.average_precision import ranked_loss
from millrace.domain.block_loss import BlockLoss
from millrace.domain.config import HIGHER_IS_BETTER, Metric
from millrace.domain.decided import decide, decision_loss
from millrace.domain.metric_terms import HALF, NO_TERMS, MissingTermError, Terms
from millrace.domain.row_losses import row_losses
from millrace.errors import MillraceError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
StrArray = npt.NDArray[np.str_]

MAX_BLOCKS = 500
"""Beyond it neighbouring blocks merge: 500 resolve any interval, and a round of an AUC costs their square."""

_NAMES = {
    Metric.AUC: "AUC",
    Metric.PR_AUC: "PR-AUC",
    Metric.LOG_LOSS: "log loss",
    Metric.BRIER: "Brier score",
    Metric.F1: "F1",
    Metric.BALANCED_ACCURACY: "balanced accuracy",
    Metric.MAE: "MAE",
    Metric.RMSE: "RMSE",
    Metric.PINBALL: "pinball loss",
    Metric.MAPE: "MAPE",
    Metric.OWN: "own loss",
}

_OF_SHARES = frozenset({Metric.LOG_LOSS, Metric.BRIER, Metric.F1, Metric.BALANCED_ACCURACY})

__all__ = [
    "MAX_BLOCKS",
    "BlockLoss",
    "FloatArray",
    "IntArray",
    "MeanBlockLoss",
    "PairBlockLoss",
    "StrArray",
    "UnpairedLossesError",
    "block_loss",
    "metric_value",
    "name_loss",
    "name_metric",
    "spell_loss",
]


class UnpairedLossesError(MillraceError):
    """Labels, answers and blocks that do not belong to the same rows, or are no numbers to compare."""

    def __init__(self, found: str, needed: str) -> None:
        self.found, self.needed = found, needed
        super().__init__(
            f"losses cannot be compared: found {found}, needed {needed}. "
            "Score every bundle on the same labelled rows"
        )


@dataclass(frozen=True, eq=False)
class MeanBlockLoss(BlockLoss):
    """A mean over rows, or its square root: a sum and a count per block are enough."""

    sums: FloatArray
    counts: FloatArray
    root: bool

    @property
    def blocks(self) -> int:
        return self.sums.size

    def resampled(self, weights: FloatArray) -> FloatArray:
        mean = (weights @ self.sums) / (weights @ self.counts)
        return np.sqrt(mean) if self.root else mean


@dataclass(frozen=True, eq=False)
class PairBlockLoss(BlockLoss):
    """1 - AUC: a mean over pairs of a positive and a negative row, so a count per pair of blocks is enough.

    `concordant[i, j]` counts the positives of block i that stand above a negative of block
    j, a tie as half. All sums are of halves, so they are exact and the same on every machine.
    """

    concordant: FloatArray
    positives: FloatArray
    negatives: FloatArray

    @property
    def blocks(self) -> int:
        return self.positives.size

    def resampled(self, weights: FloatArray) -> FloatArray:
        ordered = ((weights @ self.concordant) * weights).sum(axis=1)
        pairs = (weights @ self.positives) * (weights @ self.negatives)
        auc: FloatArray = np.divide(ordered, pairs, out=np.full_like(ordered, np.nan), where=pairs > 0)
        return 1.0 - auc


def block_loss(
    metric: Metric,
    labels: npt.ArrayLike,
    answers: npt.ArrayLike,
    blocks: StrArray | IntArray,
    terms: Terms = NO_TERMS,
) -> BlockLoss:
    """Turn a metric into a loss over blocks.

    Parameters
    ----------
    labels : shape (n_rows,)
        Numbers for a regression, 0 and 1 for a binary model, class positions for more.
    answers : shape (n_rows,) or (n_rows, n_classes)
        Predictions, or probabilities of the positive class, or of every class.
    blocks : shape (n_rows,)
        The block of each row, by name or number. Their sorted order decides how they merge.
    terms
        What the metric is defined by besides: a quantile, a threshold, a function.

    Raises
    ------
    UnpairedLossesError
        If shapes differ, there is no row, a number is not finite, a label is not one of the
        metric's, or a probability is outside 0 to 1.
    MissingTermError, OwnLossError
        If the metric is not defined by `terms`, or the user's own did not return a loss for each row.
    """
    truth, given = np.asarray(labels, dtype=np.float64), np.asarray(answers, dtype=np.float64)
    _check_pairing(truth, given, blocks)
    positions, n_blocks = _merged_positions(blocks)
    _check_values(metric, truth, given)
    match metric:
        case Metric.AUC:
            return _pair_loss(truth, given, positions, n_blocks)
        case Metric.PR_AUC:
            return ranked_loss(truth, given, positions, n_blocks)
        case Metric.F1 | Metric.BALANCED_ACCURACY:
            decided, classes = _decided(metric, given, terms)
            return decision_loss(metric, truth, decided, classes, positions, n_blocks)
    rows = row_losses(metric, truth, given, terms)
    sums = np.bincount(positions, weights=rows, minlength=n_blocks).astype(np.float64)
    counts = np.bincount(positions, minlength=n_blocks).astype(np.float64)
    return MeanBlockLoss(sums, counts, root=metric is Metric.RMSE)


def metric_value(metric: Metric, loss: float) -> float:
    """Return the metric as people read it: an AUC of 0.71, not a loss of 0.29.

    >>> metric_value(Metric.AUC, 0.25)
    0.75
    """
    return 1.0 - loss if metric in HIGHER_IS_BETTER else loss


def spell_loss(metric: Metric, loss: float) -> str:
    """Write a loss for a reason line.

    >>> spell_loss(Metric.AUC, 0.25), spell_loss(Metric.LOG_LOSS, 0.4)
    ('AUC 0.75', 'log loss 0.4')
    """
    return f"{_NAMES[metric]} {metric_value(metric, loss):.4g}"


def name_metric(metric: str) -> str:
    """Name a metric for people; one that is unknown keeps its name.

    >>> name_metric("log_loss"), name_metric("lift")
    ('log loss', 'lift')
    """
    return _NAMES[Metric(metric)] if metric in set(Metric) else metric


def name_loss(metric: str) -> str:
    """Name what is lost by a metric, of which less is better.

    >>> name_loss("auc"), name_loss("log_loss")
    ('1 - AUC', 'log loss')
    """
    return f"1 - {name_metric(metric)}" if metric in HIGHER_IS_BETTER else name_metric(metric)


def _check_pairing(labels: FloatArray, answers: FloatArray, blocks: StrArray | IntArray) -> None:
    rows = labels.shape[:1]
    if labels.ndim != 1 or answers.shape[:1] != rows or blocks.shape != rows:
        found = f"{labels.shape} labels, {answers.shape} answers, {blocks.shape} blocks"
        raise UnpairedLossesError(found, "one of each per row")
    if labels.size == 0:
        raise UnpairedLossesError("no row", "at least one")
    for name, values in (("labels", labels), ("answers", answers)):
        odd = int(np.count_nonzero(~np.isfinite(values)))
        if odd:
            raise UnpairedLossesError(f"{odd} {name} that are NaN or infinite", "finite ones")


def _merged_positions(blocks: StrArray | IntArray) -> tuple[IntArray, int]:
    """Give each block its place in the sorted order; too many merge with neighbours, as days are alike."""
    names, positions = np.unique(blocks, return_inverse=True)
    kept = min(names.size, MAX_BLOCKS)
    return positions * kept // names.size, kept


def _check_values(metric: Metric, labels: FloatArray, answers: FloatArray) -> None:
    if metric is Metric.OWN:
        return
    if metric in _OF_SHARES:
        _check_probabilities(answers)
        if answers.ndim == 1:
            _check_binary(labels)
        else:
            _check_classes(labels, answers.shape[1])
    elif answers.ndim != 1:
        raise UnpairedLossesError(f"answers of shape {answers.shape}", "one number per row")
    if metric in {Metric.AUC, Metric.PR_AUC}:
        _check_binary(labels)
    if metric is Metric.MAPE and (zeros := int(np.count_nonzero(labels == 0.0))):
        raise UnpairedLossesError(
            f"{zeros} of {labels.size} labels that are 0, of which no error is a share", "none for MAPE"
        )


def _decided(metric: Metric, answers: FloatArray, terms: Terms) -> tuple[IntArray, int]:
    if answers.ndim > 1:
        return decide(answers, HALF), answers.shape[1]
    if terms.threshold is None:
        raise MissingTermError(name_metric(metric), "threshold of the bundle that answers")
    return decide(answers, terms.threshold), 2


def _check_classes(labels: FloatArray, n_classes: int) -> None:
    known = np.isin(labels, np.arange(n_classes))
    if not known.all():
        raise UnpairedLossesError(
            f"label {labels[~known][0]:g}", f"a class position from 0 to {n_classes - 1}"
        )


def _check_binary(labels: FloatArray) -> None:
    odd = labels[(labels != 0.0) & (labels != 1.0)]
    if odd.size:
        raise UnpairedLossesError(f"label {odd[0]:g}", "0 or 1")


def _check_probabilities(answers: FloatArray) -> None:
    odd = answers[(answers < 0.0) | (answers > 1.0)]
    if odd.size:
        raise UnpairedLossesError(f"answer {odd[0]:g}", "a probability from 0 to 1")


def _pair_loss(labels: FloatArray, answers: FloatArray, positions: IntArray, n_blocks: int) -> PairBlockLoss:
    values, ranks = np.unique(answers, return_inverse=True)
    positive = labels == 1.0
    own, above = positions[positive], ranks[positive]
    order = np.argsort(positions[~positive], kind="stable")
    negatives = np.bincount(positions[~positive], minlength=n_blocks)
    by_block = np.split(ranks[~positive][order], np.cumsum(negatives)[:-1])
    concordant = np.zeros((n_blocks, n_blocks))
    for block, below in enumerate(by_block):
        tied = np.bincount(below, minlength=values.size)
        standing_above = np.cumsum(tied) - tied / 2
        concordant[:, block] = np.bincount(own, weights=standing_above[above], minlength=n_blocks)
    positives = np.bincount(own, minlength=n_blocks)
    return PairBlockLoss(concordant, positives.astype(np.float64), negatives.astype(np.float64))
