"""Do the bounds of an excess loss hold what they promise?"""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from millrace.domain.bootstrap import excess_interval, loss_interval, pairwise_intervals
from millrace.domain.config import Metric
from millrace.domain.losses import BlockLoss, UnpairedLossesError, block_loss

Floats = npt.NDArray[np.float64]


def off_by(offsets: npt.ArrayLike) -> BlockLoss:
    """Return the MAE of a model with one row per block, off by so much."""
    answers = np.asarray(offsets, dtype=np.float64)
    return block_loss(Metric.MAE, np.zeros(answers.size), answers, np.arange(answers.size))


def test_a_constant_difference_is_known_exactly() -> None:
    found = excess_interval(off_by(np.full(14, 3.0)), off_by(np.full(14, 1.0)), 500, 0.95, seed=0)
    assert (found.mean, found.lower, found.upper, found.blocks) == (2.0, 2.0, 2.0, 14)


def test_equal_losses_differ_by_nothing_at_any_confidence() -> None:
    loss = off_by(np.random.default_rng(0).random(20))
    found = excess_interval(loss, loss, 500, 0.999999, seed=0)
    assert (found.mean, found.lower, found.upper) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("blocks", [14, 30, 200])
@pytest.mark.parametrize("confidence", [0.9, 0.975, 0.999, 0.99999])
def test_the_bounds_of_normal_losses_are_those_of_a_t_interval(blocks: int, confidence: float) -> None:
    excess = stats.norm.ppf((np.arange(blocks) + 0.5) / blocks)
    found = excess_interval(off_by(excess + 9.0), off_by(np.full(blocks, 9.0)), 20_000, confidence, seed=1)
    half_width = stats.t.ppf(confidence, blocks - 1) * excess.std(ddof=1) / math.sqrt(blocks)
    assert found.upper == pytest.approx(half_width, rel=0.12)
    assert found.lower == pytest.approx(-half_width, rel=0.12)


def test_every_further_look_widens_the_interval() -> None:
    source = np.random.default_rng(0)
    challenger, reference = off_by(source.random(20)), off_by(source.random(20))
    confidences = [1.0 - 0.05 / (look * (look + 1)) for look in range(1, 60)]
    found = [excess_interval(challenger, reference, 200, confidence, seed=0) for confidence in confidences]
    chance = 0.97
    assert all(wider.upper >= chance * narrower.upper for narrower, wider in pairwise(found))
    assert found[-1].upper > found[0].upper * 1.5
    assert found[-1].lower < found[0].lower


def test_few_rounds_are_raised_to_what_the_confidence_needs() -> None:
    source = np.random.default_rng(0)
    challenger, reference = off_by(source.random(40)), off_by(source.random(40))
    asked_few, asked_many = (
        excess_interval(challenger, reference, rounds, 0.998, seed=0) for rounds in (200, 20_000)
    )
    assert asked_few.upper == pytest.approx(asked_many.upper, rel=0.1)


def test_the_same_seed_gives_the_same_bounds_and_another_one_others() -> None:
    source = np.random.default_rng(0)
    challenger, reference = off_by(source.random(20)), off_by(source.random(20))
    first, again, other = (excess_interval(challenger, reference, 500, 0.95, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_whole_blocks_are_drawn_so_repeated_rows_add_no_certainty() -> None:
    offsets = np.random.default_rng(0).random(20)
    repeated = block_loss(Metric.MAE, np.zeros(2_000), np.repeat(offsets, 100), np.repeat(np.arange(20), 100))
    plain = excess_interval(off_by(offsets), off_by(np.zeros(20)), 500, 0.95, seed=0)
    found = excess_interval(repeated, off_by(np.zeros(20)), 500, 0.95, seed=0)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper))


def test_models_that_err_together_are_told_apart_by_their_difference() -> None:
    shared = 10.0 * np.random.default_rng(0).random(20)
    found = excess_interval(off_by(shared + 0.1), off_by(shared), 500, 0.95, seed=0)
    assert (found.lower, found.upper) == pytest.approx((0.1, 0.1))


def test_one_block_says_nothing() -> None:
    found = excess_interval(off_by([1.0]), off_by([5.0]), 500, 0.95, seed=0)
    assert (found.lower, found.upper) == (-math.inf, math.inf)


def test_rounds_without_a_loss_count_against_both_bounds() -> None:
    labels = np.zeros(60)
    labels[:2] = 1.0
    good, bad = np.where(labels == 1.0, 0.9, 0.1), np.where(labels == 1.0, 0.1, 0.9)
    blocks = np.arange(60) // 3
    challenger, reference = (block_loss(Metric.AUC, labels, answers, blocks) for answers in (good, bad))
    found = excess_interval(challenger, reference, 1_000, 0.95, seed=0)
    assert (found.mean, found.lower, found.upper) == (-1.0, -math.inf, math.inf)


def test_losses_over_different_blocks_are_refused() -> None:
    with pytest.raises(UnpairedLossesError, match="found 14 and 15 blocks, needed the same blocks for both"):
        excess_interval(off_by(np.ones(14)), off_by(np.ones(15)), 500, 0.95, seed=0)


def miss_rate(blocks: int, confidence: float, draw: Floats) -> float:
    misses = 0
    for excess in draw.reshape(-1, blocks):
        found = excess_interval(off_by(excess + 99.0), off_by(np.full(blocks, 99.0)), 1_000, confidence, 0)
        misses += found.upper < 0.0
    return misses / (draw.size / blocks)


@pytest.mark.parametrize("blocks", [14, 40])
def test_an_upper_bound_misses_the_truth_no_more_often_than_it_says(blocks: int) -> None:
    truth_is_zero = np.random.default_rng(blocks).normal(size=1_000 * blocks)
    assert miss_rate(blocks, 0.95, truth_is_zero) <= stats.binom.ppf(0.999, 1_000, 0.05) / 1_000


def test_one_loss_has_the_bounds_of_its_excess_over_nothing() -> None:
    loss = off_by(np.random.default_rng(0).random(20))
    nothing = off_by(np.zeros(20))
    assert loss_interval(loss, 500, 0.95, seed=0) == excess_interval(loss, nothing, 500, 0.95, seed=0)
    assert loss_interval(off_by([1.0]), 500, 0.95, seed=0).lower == -math.inf


def test_all_pairs_have_the_bounds_of_each_by_itself() -> None:
    source = np.random.default_rng(0)
    losses = [off_by(source.random(20)) for _ in range(3)]
    pairs = [(losses[0], losses[1]), (losses[0], losses[2]), (losses[1], losses[2])]
    together = pairwise_intervals(losses, 500, 0.95, seed=0)
    for found, pair in zip(together, pairs, strict=True):
        alone = excess_interval(*pair, 500, 0.95, seed=0)
        # one matrix product for all rounds off otherwise than one for each
        assert (found.mean, found.lower, found.upper) == pytest.approx((alone.mean, alone.lower, alone.upper))
    with pytest.raises(UnpairedLossesError, match="the same blocks for all"):
        pairwise_intervals([losses[0], off_by(np.zeros(9))], 500, 0.95, seed=0)


class Distance(BlockLoss):
    """How far ten means are from zero, on average: chance alone makes it larger."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    @property
    def blocks(self) -> int:
        return len(self._values)

    def resampled(self, weights: Floats) -> Floats:
        means = (weights @ self._values) / weights.sum(axis=1, keepdims=True)
        distance: Floats = np.abs(means).mean(axis=1)
        return distance


@pytest.mark.parametrize("off", [0.0, 0.1, 0.2, 0.3, 0.6])
def test_what_the_rounds_add_to_a_distance_is_taken_off_its_upper_bound(off: float) -> None:
    rows = [np.random.default_rng(seed).normal(off, 1.0, size=(40, 10)) for seed in range(60)]
    plain, known = (
        [loss_interval(Distance(one), 500, 0.95, 0, is_distance=is_distance).upper for one in rows]
        for is_distance in (False, True)
    )
    assert np.mean(known) < np.mean(plain)
    assert sum(upper < off for upper in known) <= 7
