"""Does what is predicted come as often, or as much, as it was predicted?"""

from dataclasses import dataclass

import numpy as np

from millrace.domain.bootstrap import loss_interval
from millrace.domain.evaluation import BINS, told_and_actual
from millrace.domain.kinds import Task
from millrace.domain.losses import BlockLoss, FloatArray, IntArray
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.attempt import unknown
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.stretches import MIN_STRETCHES, find_stretches
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.domain.verdict import Outcome, Verdict

SEED = 0


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


def calibration_loss(
    labelled: AnsweredRows, task: Task, blocks: IntArray, *, is_centred: bool = False
) -> CalibrationLoss:
    """Sort rows into tenths by their answers, equal ones into one, and sum up each by blocks.

    Where it `is_centred` each tenth's own mean is taken off: what is left is chance.
    """
    told, actual = told_and_actual(labelled.answers, labelled.labels, task)
    gap, edges = told - actual, np.unique(np.quantile(told, np.arange(1, BINS) / BINS))
    tenths = np.searchsorted(edges, told, side="left")
    if is_centred:
        sizes = np.maximum(1, np.bincount(tenths, minlength=BINS))
        gap -= (np.bincount(tenths, weights=gap, minlength=BINS) / sizes)[tenths]
    positions = np.unique(blocks, return_inverse=True)[1]
    size = int(positions.max()) + 1
    gaps = np.bincount(positions * BINS + tenths, weights=gap, minlength=size * BINS)
    counts = np.bincount(positions, minlength=size).astype(np.float64)
    return CalibrationLoss(gaps.astype(np.float64).reshape(size, BINS), counts)


def judge_calibration(labelled: AnsweredRows, yardstick: Yardstick) -> Verdict:
    """Judge the mean distance between what was predicted and what came, in units of the answer.

    Of several classes it is the share of the likeliest, and how often that one came. Chance alone makes
    such a distance larger. The truth is at least what was seen without as much as chance makes of none, by
    the triangle inequality, and at most the upper bound of `loss_interval`.
    """
    policy, limit = yardstick.policy, yardstick.policy.max_calibration_error
    if limit is None or len(labelled) < max(1, policy.min_labels):
        return unknown(Watched.CALIBRATION, f"{len(labelled)} labels of {policy.min_labels} needed")
    stretches = find_stretches(labelled.at, yardstick.block)
    if stretches is None:
        return unknown(Watched.CALIBRATION, f"labels of fewer than {MIN_STRETCHES} moments tell no bounds")
    loss, chance = (
        calibration_loss(labelled, yardstick.task, stretches, is_centred=is_centred)
        for is_centred in (False, True)
    )
    found = loss_interval(loss, yardstick.rounds, policy.confidence, SEED, is_distance=True)
    by_chance = loss_interval(chance, yardstick.rounds, policy.confidence, SEED).upper
    lower = max(0.0, found.mean - by_chance)
    outcome = Outcome.INCONCLUSIVE
    if lower > limit:
        outcome = Outcome.FAIL
    elif found.upper <= limit:
        outcome = Outcome.PASS
    bounds = f"{lower:.3g} to {max(0.0, found.upper):.3g} but for chance"
    reason = f"mean distance {found.mean:.3g} ({bounds}) on {len(labelled)} labels, {limit:g} allowed"
    return Verdict(Watched.CALIBRATION, outcome, reason)
