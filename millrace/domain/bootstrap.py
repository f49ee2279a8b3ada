"""By how much does one model lose more than another, and how sure is that?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

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
    """A difference of two losses with a one-sided bound on either side.

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
    mean = challenger.point - reference.point
    tail = _expanded_tail(1.0 - confidence, blocks)
    if not tail > 0.0:
        return Interval(mean, -math.inf, math.inf, blocks)
    rounds = max(rounds, min(math.ceil(ROUNDS_BEYOND_BOUND / tail), MAX_ROUNDS))
    excess = np.concatenate(
        [challenger.resampled(w) - reference.resampled(w) for w in _draw_blocks(rounds, blocks, seed)]
    )
    return Interval(mean, *_bounds(excess, mean, tail), blocks)


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
