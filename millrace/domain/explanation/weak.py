"""On which rows does a model lose surely more than on all?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.answers import FloatArray
from millrace.domain.canonical import NULL, value_text
from millrace.domain.config import Metric
from millrace.domain.losses import StrArray
from millrace.domain.row_losses import row_losses

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 50
"""A slice of fewer rows is chance, or of no use to anybody."""
LEAST_EXCESS = 0.1
"""Of the loss on all rows: less more is sure on many rows, and still nothing to act on."""
MAX_SHOWN = 12
_PARTS = 5
_MAX_VALUES = 20
_PAIRED = 6

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WeakSlice:
    """Rows on which more is lost than on all: `at_least` so much, with every slice that was tried in mind.

    `answered` and `happened` are the mean answer and the mean of what became true; None for several classes.
    """

    conditions: tuple[str, ...]
    rows: int
    loss: float
    at_least: float
    answered: float | None
    happened: float | None


@dataclass(frozen=True)
class WeakSpots:
    """What was found among `tried` slices, that which costs most in all first.

    `metric` is what is lost on a row: for an AUC, which no single row has, the log loss. `untried` is why
    nothing could be tried; `small` slices have too few rows or blocks to be judged.
    """

    metric: Metric
    loss: float
    tried: int
    slices: tuple[WeakSlice, ...]
    untried: str | None = None
    small: int = 0


@dataclass(frozen=True, eq=False)
class _Slice:
    conditions: tuple[str, ...]
    mask: Mask
    of: tuple["_Slice", ...] = ()


@dataclass(frozen=True, eq=False)
class _Judged:
    """The losses of rows, and the place of each row's block."""

    losses: FloatArray
    places: npt.NDArray[np.intp]
    blocks: int
    min_blocks: int

    def is_large(self, one: _Slice) -> bool:
        """Whether there are rows and blocks enough to judge a slice."""
        if int(one.mask.sum()) < MIN_ROWS:
            return False
        return len(np.unique(self.places[one.mask])) >= self.min_blocks

    def is_part(self, one: _Slice) -> bool:
        """Whether there are rows in it, and enough beside it."""
        return 0 < int(one.mask.sum()) <= len(self.losses) - MIN_ROWS

    def excess(self, inner: Mask, outer: Mask, confidence: float) -> tuple[float, float]:
        """Return how much more is lost on the rows of `inner` than on those of `outer`, and its lower bound.

        References
        ----------
        Variance of a difference of ratios over clusters, linearized: Särndal, Swensson and Wretman,
        *Model Assisted Survey Sampling* (1992), sections 5.5 and 5.6.
        """
        from scipy.stats import t

        mean, shares = self._shares(inner)
        base, others = self._shares(outer)
        spread = math.sqrt(self.blocks / (self.blocks - 1) * float(np.square(shares - others).sum()))
        freedom = len(np.unique(self.places[inner])) - 1
        return mean - base, mean - base - float(t.ppf(confidence, freedom)) * spread

    def _shares(self, mask: Mask) -> tuple[float, FloatArray]:
        """Return the mean loss, and by how much each block moves it."""
        places, losses = self.places[mask], self.losses[mask]
        mean = float(losses.mean())
        moved = np.bincount(places, weights=losses - mean, minlength=self.blocks) / len(losses)
        return mean, moved.astype(np.float64)


def find_weak_spots(  # noqa: PLR0913 - the rows, and how they are judged
    features: "pd.DataFrame",
    labels: FloatArray,
    answers: FloatArray,
    blocks: StrArray,
    metric: Metric,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    confidence: float,
    min_blocks: int,
) -> WeakSpots:
    """Try every value or fifth of every column, and the pairs of those of the first columns.

    A pair is found only where more is surely lost on it than on either part of it alone. The confidence is
    divided by the number of slices that are tried (Bonferroni).

    Parameters
    ----------
    features
        Raw rows, as of `measure_dependence`; the most important column first.
    numeric, categorical
        The columns to try, by their kind.
    """
    if metric in {Metric.AUC, Metric.PR_AUC}:
        metric = Metric.LOG_LOSS
    losses = row_losses(metric, labels, answers)
    names, places = np.unique(blocks, return_inverse=True)
    judged = _Judged(losses, places, len(names), min_blocks)
    whole = float(losses.mean())
    if len(names) < min_blocks:
        return WeakSpots(metric, _read(metric, whole), 0, (), f"{len(names)} blocks, {min_blocks} needed")
    there = [one for one in _list_slices(features, numeric, categorical) if judged.is_part(one)]
    tried = [one for one in there if judged.is_large(one)]
    sure = 1.0 - (1.0 - confidence) / max(1, len(tried))
    found = [
        _measured(one, bound + whole, judged, metric, labels, answers)
        for one in tried
        if (bound := _find_bound(one, judged, whole, sure)) is not None
    ]
    found.sort(key=lambda one: -one.rows * (one.loss - _read(metric, whole)))
    return WeakSpots(
        metric, _read(metric, whole), len(tried), tuple(found[:MAX_SHOWN]), small=len(there) - len(tried)
    )


def _find_bound(one: _Slice, judged: _Judged, whole: float, sure: float) -> float | None:
    """Return by how much more is at least lost on a slice; None where that is not sure, or not enough."""
    excess, bound = judged.excess(one.mask, np.ones(len(one.mask), dtype=bool), sure)
    for part in one.of:
        more, least = judged.excess(one.mask, part.mask, sure)
        excess, bound = min(excess, more), min(bound, bound if least > 0.0 else -math.inf)
    return bound if bound > 0.0 and excess >= LEAST_EXCESS * whole else None


def _measured(
    one: _Slice, at_least: float, judged: _Judged, metric: Metric, labels: FloatArray, answers: FloatArray
) -> WeakSlice:
    is_number = answers.ndim == 1
    return WeakSlice(
        conditions=one.conditions,
        rows=int(one.mask.sum()),
        loss=_read(metric, float(judged.losses[one.mask].mean())),
        at_least=_read(metric, at_least),
        answered=float(answers[one.mask].mean()) if is_number else None,
        happened=float(labels[one.mask].mean()) if is_number else None,
    )


def _read(metric: Metric, mean: float) -> float:
    """Return a mean of row losses as people read it."""
    return math.sqrt(mean) if metric is Metric.RMSE else mean


def _list_slices(
    features: "pd.DataFrame", numeric: Sequence[str], categorical: Sequence[str]
) -> Iterator[_Slice]:
    by_column = {
        str(name): [*_cut(features[name], str(name), is_numeric=name in numeric)]
        for name in features.columns
        if name in numeric or name in categorical
    }
    for slices in by_column.values():
        yield from slices
    for first, second in combinations([*by_column.values()][:_PAIRED], 2):
        for one in first:
            for other in second:
                yield _Slice(one.conditions + other.conditions, one.mask & other.mask, (one, other))


def _cut(column: "pd.Series[Any]", name: str, *, is_numeric: bool) -> Iterator[_Slice]:
    """Yield the rows of each value, or of each fifth of many numbers, and those with none."""
    is_null = column.isna().to_numpy(dtype=bool)
    if is_null.any():
        yield _Slice((f"{name} is {NULL}",), is_null)
    values = column.value_counts()
    if is_numeric and len(values) > _PARTS + 1:
        yield from _fifths(column.to_numpy(np.float64), name)
        return
    ranked = sorted(values.items(), key=lambda one: (-one[1], value_text(one[0])))  # type: ignore[arg-type]
    for value, _ in ranked[:_MAX_VALUES]:
        mask = (column == value).to_numpy(dtype=bool, na_value=False) & ~is_null
        yield _Slice((f"{name} is {value_text(value)}",), mask)  # type: ignore[arg-type]


def _fifths(values: npt.NDArray[np.float64], name: str) -> Iterator[_Slice]:
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, _PARTS + 1), method="nearest"))
    for number, (low, high) in enumerate(pairwise(edges.tolist())):
        is_first = number == 0
        above = values >= low if is_first else values > low
        told = f"{name} {'from' if is_first else 'above'} {low:.4g} to {high:.4g}"
        yield _Slice((told,), above & (values <= high))
