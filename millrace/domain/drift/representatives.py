"""Which few thousand values are distributed as the counts of a column are?"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.config import ColumnTest, DriftTest
from millrace.domain.drift.pieces import Floats, Pieces, pieces_of
from millrace.domain.drift.recount import Counts
from millrace.domain.profile import CategoricalCounts, NumericCounts

MAX_VALUES = 20_000
"""With 5,000 the distance of 1,000 categories is off by up to 0.04, with these by 0.005 (measured)."""

MAX_COMPARED_VALUES = 20
"""Evidently compares a numeric column value by value up to so many distinct ones, else bin by bin."""

OTHER = "(other)"
"""What stands for all categories that are not counted one by one."""


@dataclass(frozen=True)
class Samples:
    """Values of one column in two windows, shape (n_values,) each: numbers, or texts if categorical."""

    reference: npt.NDArray[Any]
    current: npt.NDArray[Any]
    is_categorical: bool
    test: ColumnTest


def represent(reference: Counts, current: Counts, test: ColumnTest) -> Samples:
    """Return values by which `test` scores two counted columns as it would score their rows.

    There is no chance in it: the same counts give the same values. What lies beyond the reference's range is
    clipped to its ends, so that one 1e300 does not flatten a column; how much does is judged by rule.

    Both are counted over the same edges or categories, and have values: `judge_by_rule` has judged others.
    """
    if isinstance(reference, CategoricalCounts) and isinstance(current, CategoricalCounts):
        return Samples(_texts(reference), _texts(current), is_categorical=True, test=test)
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        values = _numbers(pieces_of(reference), pieces_of(current), test.test)
        return Samples(*values, is_categorical=False, test=test)
    raise TypeError(f"{reference.name} is {type(current).__name__} now, needed is {type(reference).__name__}")


def _numbers(then: Pieces, now: Pieces, test: DriftTest) -> tuple[Floats, Floats]:
    match test:
        case DriftTest.WASSERSTEIN:
            return _slice_means(then), _slice_means(now)
        case DriftTest.HELLINGER:
            return _quantiles(then), _quantiles(now)
        case DriftTest.JENSEN_SHANNON | DriftTest.PSI | DriftTest.KL_DIVERGENCE:
            return _binned(then, now)


def _binned(then: Pieces, now: Pieces) -> tuple[Floats, Floats]:
    """Return the middle of each bin that Evidently would have laid over the rows, as often as it is hit.

    Its bins grow in number with the values (Sturges 1926), which would make the score of few values another
    one than that of the rows. As long as 20 bins of the reference are hit, it takes ours one by one.
    """
    if then.is_discrete and len(then.mass) <= MAX_COMPARED_VALUES:
        return _repeated(then.middle, then.mass), _repeated(now.middle, now.mass)
    ends = min(then.low[0], now.low[0]), max(then.high[-1], now.high[-1])
    bins = math.ceil(math.log2(then.total + now.total) + 1)
    while len(np.unique(learned := _hits(then, np.linspace(*ends, bins + 1)))) > MAX_COMPARED_VALUES:
        bins -= 1
    return learned, _hits(now, np.linspace(*ends, bins + 1))


def _hits(pieces: Pieces, bounds: Floats) -> Floats:
    """Return the middle of each bin as often as it is hit; the last one includes its upper bound."""
    under = pieces.count_below(bounds)
    under[-1] = pieces.total
    return _repeated(bounds[:-1] + np.diff(bounds) / 2, np.diff(under))


def _quantiles(pieces: Pieces) -> Floats:
    """Return the values at evenly spaced ranks: single values as they are, others from between two edges."""
    count = _size(pieces.total)
    ranks = (np.arange(count) + 0.5) / count * pieces.total
    return _at_ranks(pieces, ranks)


def _slice_means(pieces: Pieces) -> Floats:
    """Return the means of slices of equal mass, the outer two so that the second moment is right too.

    Evidently divides the distance by the reference's standard deviation, most of which lies in the outermost
    slice where tails are heavy.
    """
    count = _size(pieces.total)
    cuts = np.arange(count + 1) / count * pieces.total
    ends = np.cumsum(pieces.mass)
    points = np.unique(np.concatenate([cuts, ends[ends < pieces.total]]))
    weight = np.diff(points)
    at = np.minimum(((points[:-1] + weight / 2) / pieces.total * count).astype(np.intp), count - 1)
    piece = np.minimum(np.searchsorted(ends, points[:-1] + weight / 2, side="right"), len(ends) - 1)
    start = _along(pieces, piece, points[:-1] - (ends - pieces.mass)[piece])
    stop = _along(pieces, piece, points[1:] - (ends - pieces.mass)[piece])
    mass = np.bincount(at, weight, count)
    means = np.bincount(at, weight * (start / 2 + stop / 2), count) / mass
    return _with_outer_moments(means, start, stop, weight, at)


def _with_outer_moments(
    means: Floats, start: Floats, stop: Floats, weight: Floats, at: npt.NDArray[np.intp]
) -> Floats:
    centre, width = float(means.mean()), float(stop[-1] - start[0]) or 1.0
    for slice_ in (0, len(means) - 1):
        inside = at == slice_
        near, far = (start[inside] - centre) / width, (stop[inside] - centre) / width
        square = np.average((near**2 + near * far + far**2) / 3, weights=weight[inside])
        means[slice_] = centre + math.copysign(math.sqrt(square) * width, means[slice_] - centre)
    return means


def _at_ranks(pieces: Pieces, ranks: Floats) -> Floats:
    ends = np.cumsum(pieces.mass)
    piece = np.minimum(np.searchsorted(ends, ranks, side="right"), len(ends) - 1)
    return _along(pieces, piece, ranks - (ends - pieces.mass)[piece])


def _along(pieces: Pieces, piece: npt.NDArray[np.intp], inside: Floats) -> Floats:
    """Return the value that has `inside` of its piece below it."""
    low, high = pieces.low[piece], pieces.high[piece]
    values: Floats = low + inside / pieces.mass[piece] * (high - low)
    return np.clip(values, low, high)


def _texts(column: CategoricalCounts) -> npt.NDArray[np.object_]:
    names = np.array([*column.categories, OTHER], dtype=object)
    return _repeated(names, np.array([*column.counts, column.other], dtype=np.float64))


def _repeated(values: npt.NDArray[Any], mass: Floats) -> npt.NDArray[Any]:
    """Repeat each value in proportion to its mass: the largest remainders are rounded up (Hare 1859)."""
    total = float(mass.sum())
    shares = mass / total * _size(total)
    times = np.floor(shares + 1e-9).astype(np.intp)
    missing = _size(total) - int(times.sum())
    times[np.argsort(times - shares, kind="stable")[:missing]] += 1
    return np.repeat(values, times)


def _size(total: float) -> int:
    return min(MAX_VALUES, round(total))
