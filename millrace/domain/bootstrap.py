"""How much does a model lose, or lose more than another, and how sure is that?"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from millrace.domain.losses import BlockLoss, FloatArray, UnpairedLossesError

ROUNDS_BEYOND_BOUND = 50
"""Rounds are raised until so many lie beyond a bound: its tail is then known to 1 / sqrt(50), a seventh."""

LEAST_BEYOND_BOUND = 10
"""With fewer, the tail is mostly chance (a third of it), and is continued as a normal one instead."""

MAX_ROUNDS = 50_000
"""Where raising rounds ends: seconds at the most blocks there can be."""

_DRAWS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A loss, or a difference of two, with a one-sided bound on either side.

    A bound is infinite where too many rounds left a loss undefined; then nothing is known.
    """

    mean: float
    lower: float
    upper: float
    blocks: int


def excess_interval(
    challenger: BlockLoss, reference: BlockLoss, rounds: int, confidence: float, seed: int
) -> Interval:
    """Measure the excess loss of a challenger: above zero, it is worse than the reference.

    Every round draws whole blocks with replacement, the same for both models. The bounds
    are percentiles of the rounds, each at `confidence` by itself, moved outwards for few
    blocks as a t interval is. A round in which a loss is undefined counts against both
    bounds. Where even `MAX_ROUNDS` cannot show the percentile, the outermost one they can
    show is continued as a normal tail.

    Parameters
    ----------
    rounds
        At least this many; more where the confidence needs them.
    confidence
        One-sided, between 0.5 and 1.

    Raises
    ------
    UnpairedLossesError
        If the two losses are not over the same number of blocks.

    References
    ----------
    Expanded percentile interval: Hesterberg, "What Teachers Should Know About the
    Bootstrap", The American Statistician 69(4), 2015.
    """
    blocks = challenger.blocks
    if reference.blocks != blocks:
        raise UnpairedLossesError(f"{blocks} and {reference.blocks} blocks", "the same blocks for both")

    def excess(weights: FloatArray) -> FloatArray:
        return challenger.resampled(weights) - reference.resampled(weights)

    tail = _expanded_tail(1.0 - confidence, blocks)
    drawn = _resampled(excess, blocks, rounds, tail, seed)
    return _interval(drawn, challenger.point - reference.point, blocks, tail)


def loss_interval(
    loss: BlockLoss, rounds: int, confidence: float, seed: int, *, is_distance: bool = False
) -> Interval:
    """Measure one loss with its bounds, as `excess_interval` does for two.

    Parameters
    ----------
    is_distance
        Chance alone makes a mean of distances larger: once in what was seen, and once more in the rounds.
        Theirs is taken off. What was seen stays too large, so the lower bound is none for a truth near zero.

    References
    ----------
    Bias by the bootstrap: Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 10.
    """
    blocks, point = loss.blocks, loss.point
    tail = _expanded_tail(1.0 - confidence, blocks)
    drawn = _resampled(loss.resampled, blocks, rounds, tail, seed)
    if is_distance:
        drawn = drawn - (drawn.mean() - point)
    return _interval(drawn, point, blocks, tail)


def pairwise_intervals(
    losses: Sequence[BlockLoss], rounds: int, confidence: float, seed: int
) -> list[Interval]:
    """Measure each loss against each one after it, as `excess_interval` does; all on the same rounds.

    The pairs are in the order of `itertools.combinations`. A loss may be undefined where a block has none
    of its rows.

    Raises
    ------
    UnpairedLossesError
        If the losses are not over the same number of blocks.
    """
    sizes = sorted({loss.blocks for loss in losses})
    if len(sizes) != 1:
        raise UnpairedLossesError(f"{sizes} blocks", "the same blocks for all")
    tail = _expanded_tail(1.0 - confidence, sizes[0])

    def all_losses(weights: FloatArray) -> FloatArray:
        return np.stack([loss.resampled(weights) for loss in losses], axis=1)

    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = _resampled(all_losses, sizes[0], rounds, tail, seed)
        points = [loss.point for loss in losses]
    return [
        _interval(drawn[:, one] - drawn[:, other], points[one] - points[other], sizes[0], tail)
        for one, other in combinations(range(len(losses)), 2)
    ]


def _resampled(
    loss: Callable[[FloatArray], FloatArray], blocks: int, rounds: int, tail: float, seed: int
) -> FloatArray:
    if not tail > 0.0:
        return loss(np.ones((1, blocks)))
    rounds = max(rounds, min(math.ceil(ROUNDS_BEYOND_BOUND / tail), MAX_ROUNDS))
    return np.concatenate([loss(weights) for weights in _draw_blocks(rounds, blocks, seed)])


def _interval(drawn: FloatArray, mean: float, blocks: int, tail: float) -> Interval:
    if not tail > 0.0:
        return Interval(mean, -math.inf, math.inf, blocks)
    return Interval(mean, *_bounds(drawn, mean, tail), blocks)


def _expanded_tail(tail: float, blocks: int) -> float:
    """Percentile rounds are too narrow for few blocks: t for their number, n - 1 for their variance."""
    from scipy.special import ndtr, stdtrit

    if blocks < 2:  # noqa: PLR2004
        return 0.0
    return float(ndtr(math.sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, tail)))


def _draw_blocks(rounds: int, blocks: int, seed: int) -> Iterator[FloatArray]:
    """Yield how often each round draws each block, a bounded number of rounds at a time."""
    source = np.random.default_rng(seed)
    step = max(1, _DRAWS_AT_ONCE // blocks)
    for start in range(0, rounds, step):
        size = min(step, rounds - start)
        drawn = source.integers(blocks, size=(size, blocks)) + blocks * np.arange(size)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=size * blocks)
        yield counts.reshape(size, blocks).astype(np.float64)


def _bounds(excess: FloatArray, mean: float, tail: float) -> tuple[float, float]:
    from scipy.special import ndtri

    shown = max(tail, LEAST_BEYOND_BOUND / excess.size)
    stretch = float(ndtri(tail) / ndtri(shown))
    undefined, edge = np.isnan(excess), int(shown * excess.size) - 1
    lower = np.sort(np.where(undefined, -np.inf, excess))[edge]
    upper = np.sort(np.where(undefined, np.inf, excess))[-1 - edge]
    return _stretched(float(lower), mean, stretch), _stretched(float(upper), mean, stretch)


def _stretched(bound: float, mean: float, stretch: float) -> float:
    if stretch == 1.0 or math.isinf(bound):
        return bound
    return bound + (stretch - 1.0) * (bound - mean)
