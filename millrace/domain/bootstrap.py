"""How much does a model lose, or lose more than another, and how sure is that?"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from millrace.domain.losses import BlockLoss, FloatArray, MeanBlockLoss, UnpairedLossesError

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
    drawn = draw_losses(losses, rounds, confidence, seed)
    return [drawn.interval(confidence, *pair) for pair in combinations(range(len(losses)), 2)]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Several losses on the same rounds: `values` have shape (n_losses, rounds), `points` (n_losses,)."""

    values: FloatArray
    points: FloatArray
    blocks: int

    def interval(self, confidence: float, one: int, other: int | None = None) -> Interval:
        """Bound a loss, or how much it is above another one, each bound at `confidence` by itself."""
        values, point = self.values[one], self.points[one]
        if other is not None:
            values, point = values - self.values[other], point - self.points[other]
        return _interval(values, float(point), self.blocks, _expanded_tail(1.0 - confidence, self.blocks))

    @property
    def logs(self) -> "Drawn":
        """The logarithms of the losses: differences of them are ratios. That of 0 is unknown."""
        values, points = (np.log(np.where(part > 0.0, part, np.nan)) for part in (self.values, self.points))
        return Drawn(values, points, self.blocks)


def draw_losses(
    losses: Sequence[BlockLoss], rounds: int, confidence: float, seed: int, most: int = MAX_ROUNDS
) -> Drawn:
    """Draw several losses on the same rounds, as many as the highest confidence asked of them needs.

    A loss may be undefined where a block has none of its rows.

    Parameters
    ----------
    most
        Where raising rounds ends; a bound that they do not show is continued as a normal tail.

    Raises
    ------
    UnpairedLossesError
        If the losses are not over the same number of blocks.
    """
    sizes = sorted({loss.blocks for loss in losses})
    if len(sizes) != 1:
        raise UnpairedLossesError(f"{sizes} blocks", "the same blocks for all")
    tail = _expanded_tail(1.0 - confidence, sizes[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        values = _resampled(_all_at_once(losses), sizes[0], rounds, tail, seed, most)
        points = np.array([loss.point for loss in losses])
    return Drawn(np.ascontiguousarray(values.T), points, sizes[0])


def _all_at_once(losses: Sequence[BlockLoss]) -> Callable[[FloatArray], FloatArray]:
    """Make one matrix product of all that are means, as most are."""
    means = [loss for loss in losses if isinstance(loss, MeanBlockLoss) and not loss.root]
    if len(means) < len(losses):
        return lambda weights: np.stack([loss.resampled(weights) for loss in losses], axis=1)
    sums, counts = (
        np.stack(parts, axis=1) for parts in zip(*((m.sums, m.counts) for m in means), strict=True)
    )
    return lambda weights: (weights @ sums) / (weights @ counts)


@dataclass(frozen=True, eq=False)
class _Excess(BlockLoss):
    challenger: BlockLoss
    reference: BlockLoss

    @property
    def blocks(self) -> int:
        return self.challenger.blocks

    def resampled(self, weights: FloatArray) -> FloatArray:
        return self.challenger.resampled(weights) - self.reference.resampled(weights)


def excess_loss(challenger: BlockLoss, reference: BlockLoss) -> BlockLoss:
    """Return how much more one loses than the other as a loss of its own; of equal ones it is exactly 0."""
    if not isinstance(challenger, MeanBlockLoss) or not isinstance(reference, MeanBlockLoss):
        return _Excess(challenger, reference)
    if challenger.root or not np.array_equal(challenger.counts, reference.counts):
        return _Excess(challenger, reference)
    return MeanBlockLoss(challenger.sums - reference.sums, challenger.counts, root=False)


def _resampled(
    loss: Callable[[FloatArray], FloatArray],
    blocks: int,
    rounds: int,
    tail: float,
    seed: int,
    most: int = MAX_ROUNDS,
) -> FloatArray:
    if not tail > 0.0:
        return loss(np.ones((1, blocks)))
    rounds = max(rounds, min(math.ceil(ROUNDS_BEYOND_BOUND / tail), most))
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
    lower = np.partition(np.where(undefined, -np.inf, excess), edge)[edge]
    upper = np.partition(np.where(undefined, np.inf, excess), -1 - edge)[-1 - edge]
    return _stretched(float(lower), mean, stretch), _stretched(float(upper), mean, stretch)


def _stretched(bound: float, mean: float, stretch: float) -> float:
    if stretch == 1.0 or math.isinf(bound):
        return bound
    return bound + (stretch - 1.0) * (bound - mean)
