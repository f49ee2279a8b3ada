"""How much is lost by the decisions that are made of answers?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.domain.block_loss import BlockLoss
from millrace.domain.config import Metric

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class DecisionBlockLoss(BlockLoss):
    """1 - F1 or 1 - balanced accuracy: three counts for each block and class are enough.

    `told` counts the rows that were decided for a class, `real` those that are of it, `right` those that are
    both. F1 is the mean over those of `classes` that were told or real, balanced accuracy over those real.
    """

    right: FloatArray
    told: FloatArray
    real: FloatArray
    classes: tuple[int, ...]
    is_f1: bool

    @property
    def blocks(self) -> int:
        return len(self.right)

    def resampled(self, weights: FloatArray) -> FloatArray:
        right, told, real = (weights @ counts for counts in (self.right, self.told, self.real))
        found, of = (2.0 * right, told + real) if self.is_f1 else (right, real)
        chosen = list(self.classes)
        found, of = found[:, chosen], of[:, chosen]
        shares = np.divide(found, of, out=np.zeros_like(found), where=of > 0)
        there = np.count_nonzero(of > 0, axis=1)
        several = np.count_nonzero(real > 0, axis=1) > 1
        score: FloatArray = np.divide(
            shares.sum(axis=1), there, out=np.full(len(weights), np.nan), where=(there > 0) & several
        )
        return 1.0 - score


def decide(answers: FloatArray, threshold: float) -> IntArray:
    """Return the class that each answer is for: the likeliest, or of two the positive from `threshold` on.

    >>> decide(np.array([0.2, 0.3]), 0.3).tolist(), decide(np.array([[0.2, 0.5, 0.3]]), 0.5).tolist()
    ([0, 1], [1])
    """
    chosen = answers.argmax(axis=1) if answers.ndim > 1 else answers >= threshold
    return np.asarray(chosen, dtype=np.intp)


def decision_loss(
    metric: Metric, labels: FloatArray, decided: IntArray, n_classes: int, positions: IntArray, n_blocks: int
) -> DecisionBlockLoss:
    """Count decisions by block; undefined is a round that draws one class only.

    Of two classes F1 is that of the positive one; of more it is the mean over all (macro).

    Parameters
    ----------
    labels, decided : shape (n_rows,)
        Positions of classes.
    positions : shape (n_rows,)
        The block of each row, below `n_blocks`.

    References
    ----------
    As scikit-learn's `f1_score` and `balanced_accuracy_score`.
    """
    real = labels.astype(np.intp)

    def counted(classes: IntArray, rows: npt.NDArray[np.bool_] | slice = slice(None)) -> FloatArray:
        cells = positions[rows] * n_classes + classes[rows]
        return np.bincount(cells, minlength=n_blocks * n_classes).reshape(n_blocks, -1).astype(np.float64)

    is_f1 = metric is Metric.F1
    classes = (1,) if is_f1 and n_classes == 2 else tuple(range(n_classes))  # noqa: PLR2004
    return DecisionBlockLoss(counted(real, real == decided), counted(decided), counted(real), classes, is_f1)
