"""How far is what is predicted from what comes of it?"""

from dataclasses import dataclass

import numpy as np

from millrace.domain.bootstrap import Interval, loss_interval
from millrace.domain.kinds import Task
from millrace.domain.losses import MAX_BLOCKS, BlockLoss, FloatArray, IntArray, StrArray

BINS = 10


@dataclass(frozen=True, eq=False)
class CalibrationLoss(BlockLoss):
    """The mean distance between mean answer and mean label over tenths, by sums of each block.

    `gaps[i, j]` is the sum of answer minus label over the rows of block i in tenth j; `counts` are rows.

    References
    ----------
    The expected calibration error over bins of equal mass: Naeini, Cooper, Hauskrecht, *Obtaining Well
    Calibrated Probabilities Using Bayesian Binning* (AAAI 2015); Nixon et al., *Measuring Calibration in
    Deep Learning* (CVPR workshops 2019) for equal mass.
    """

    gaps: FloatArray
    counts: FloatArray

    @property
    def blocks(self) -> int:
        return self.counts.size

    def resampled(self, weights: FloatArray) -> FloatArray:
        # each tenth weighs as many rows as it has, so its own count falls out
        distances: FloatArray = np.abs(weights @ self.gaps).sum(axis=1) / (weights @ self.counts)
        return distances


def told_and_actual(answers: FloatArray, labels: FloatArray, task: Task) -> tuple[FloatArray, FloatArray]:
    """Return one number for each answer and what came of it: of several classes, whether the likeliest did.

    >>> told_and_actual(np.array([[0.7, 0.3], [0.6, 0.4]]), np.array([0.0, 1.0]), Task.MULTICLASS)
    (array([0.7, 0.6]), array([1., 0.]))
    """
    if task is not Task.MULTICLASS:
        return answers, labels
    return answers.max(axis=1), (answers.argmax(axis=1) == labels).astype(np.float64)


def calibration_loss(
    told: FloatArray, actual: FloatArray, blocks: StrArray | IntArray, *, is_centred: bool = False
) -> CalibrationLoss:
    """Sort rows into tenths by what they were told, equal ones into one, and sum up each by blocks.

    Where it `is_centred` each tenth's own mean is taken off: what is left is chance.

    Parameters
    ----------
    told, actual : shape (n_rows,)
        As of `told_and_actual`: one row at least, finite numbers.
    blocks : shape (n_rows,)
        The block of each row; too many merge with their neighbours, as in `block_loss`.
    """
    gap, edges = told - actual, np.unique(np.quantile(told, np.arange(1, BINS) / BINS))
    tenths = np.searchsorted(edges, told, side="left")
    if is_centred:
        sizes = np.maximum(1, np.bincount(tenths, minlength=BINS))
        gap -= (np.bincount(tenths, weights=gap, minlength=BINS) / sizes)[tenths]
    names, positions = np.unique(blocks, return_inverse=True)
    size = min(names.size, MAX_BLOCKS)
    positions = positions * size // names.size
    gaps = np.bincount(positions * BINS + tenths, weights=gap, minlength=size * BINS)
    counts = np.bincount(positions, minlength=size).astype(np.float64)
    return CalibrationLoss(gaps.astype(np.float64).reshape(size, BINS), counts)


def calibration_interval(
    told: FloatArray,
    actual: FloatArray,
    blocks: StrArray | IntArray,
    *,
    rounds: int,
    confidence: float,
    seed: int,
) -> Interval:
    """Measure the mean distance with a bound on either side, in units of the answer.

    Chance alone makes such a distance larger. The truth is at least what was seen without as much as chance
    makes of none, by the triangle inequality, and at most the upper bound of `loss_interval`.
    """
    loss, chance = (calibration_loss(told, actual, blocks, is_centred=centred) for centred in (False, True))
    found = loss_interval(loss, rounds, confidence, seed, is_distance=True)
    by_chance = loss_interval(chance, rounds, confidence, seed).upper
    return Interval(found.mean, max(0.0, found.mean - by_chance), max(0.0, found.upper), found.blocks)
