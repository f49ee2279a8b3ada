"""What did the values of a window look like, small enough to keep and to compare later?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.config import ModelConfig
from millrace.domain.features import NULL_TEXT, Columns, number_values, text_values
from millrace.errors import MillraceError

MAX_EDGES = 1_000
MAX_CATEGORIES = 1_000


@dataclass(frozen=True)
class NumericCounts:
    """Counts over fine bins whose edges are quantiles of the reference window.

    `counts[i]` are the values above `edges[i - 1]` up to and with `edges[i]`, so `counts[0]`
    are those equal to the reference's smallest. What lies beyond its range is clipped into
    `below` and `above`; infinite values are `non_finite`.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int
    nulls: int
    non_finite: int


@dataclass(frozen=True)
class CategoricalCounts:
    """Counts of the reference window's most frequent categories, and of all others together."""

    name: str
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    other: int
    nulls: int


@dataclass(frozen=True)
class Profile:
    """A window as integers, column by column. Two over the same edges merge by adding."""

    rows: int
    numeric: tuple[NumericCounts, ...]
    categorical: tuple[CategoricalCounts, ...]


class DifferentEdgesError(MillraceError):
    """Two profiles were counted over different edges or categories, so their counts do not add up."""

    def __init__(self, column: str) -> None:
        self.column = column
        super().__init__(
            f"the profiles of column {column!r} have different edges, needed are those of one reference. "
            "Count both windows with count_rows over the same reference profile"
        )


def profile_rows(columns: Columns, config: ModelConfig) -> Profile:
    """Profile a reference window: choose the edges from its rows, then count them.

    A column of at most `MAX_EDGES` distinct values has each of them as an edge; more are
    thinned to evenly spaced quantiles. Categories are the most frequent, ties alphabetically.
    """
    numeric = tuple(
        NumericCounts(name, edges, (0,) * len(edges), 0, 0, 0, 0)
        for name in config.features.numeric
        for edges in (_choose_edges(number_values(columns[name], name)),)
    )
    categorical = tuple(
        CategoricalCounts(name, categories, (0,) * len(categories), 0, 0)
        for name in config.features.categorical
        for categories in (_choose_categories(_texts(columns, name, config)),)
    )
    return count_rows(columns, Profile(0, numeric, categorical), config)


def count_rows(columns: Columns, reference: Profile, config: ModelConfig) -> Profile:
    """Profile a window over the edges and categories of `reference`, whose counts have no part in it."""
    return Profile(
        rows=len(columns[config.features.names[0]]),
        numeric=tuple(
            _count_numbers(number_values(columns[column.name], column.name), column)
            for column in reference.numeric
        ),
        categorical=tuple(
            _count_texts(_texts(columns, column.name, config), column) for column in reference.categorical
        ),
    )


def merge_profiles(first: Profile, second: Profile) -> Profile:
    """Return the profile of both windows together; the order does not matter.

    Raises
    ------
    DifferentEdgesError
        If a column has other edges or categories in the two, or is missing in one.
    """
    return Profile(
        rows=first.rows + second.rows,
        numeric=tuple(_merge_numbers(one, two) for one, two in _paired(first.numeric, second.numeric)),
        categorical=tuple(
            _merge_texts(one, two) for one, two in _paired(first.categorical, second.categorical)
        ),
    )


def _texts(columns: Columns, name: str, config: ModelConfig) -> npt.NDArray[np.object_]:
    return text_values(columns[name], name, config.contract.columns[name].type)


def _choose_edges(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    finite = np.sort(values[np.isfinite(values)])
    distinct = np.unique(finite)
    if len(distinct) > MAX_EDGES:
        positions = np.linspace(0, len(finite) - 1, MAX_EDGES).round().astype(np.intp)
        distinct = np.unique(finite[positions])
    return tuple(distinct.tolist())


def _choose_categories(texts: npt.NDArray[np.object_]) -> tuple[str, ...]:
    names, counts = np.unique(texts[texts != NULL_TEXT].astype(np.str_), return_counts=True)
    most_frequent = np.lexsort((names, -counts))[:MAX_CATEGORIES]
    return tuple(sorted(names[most_frequent].tolist()))


def _count_numbers(values: npt.NDArray[np.float64], reference: NumericCounts) -> NumericCounts:
    edges = np.asarray(reference.edges, dtype=np.float64)
    finite = values[np.isfinite(values)]
    bins = np.bincount(np.searchsorted(edges, finite, side="left"), minlength=len(edges) + 1)
    below = int((finite < edges[0]).sum()) if len(edges) else 0
    bins[0] -= below
    nulls = int(np.isnan(values).sum())
    return NumericCounts(
        name=reference.name,
        edges=reference.edges,
        counts=tuple(bins[:-1].tolist()),
        below=below,
        above=int(bins[-1]),
        nulls=nulls,
        non_finite=len(values) - len(finite) - nulls,
    )


def _count_texts(texts: npt.NDArray[np.object_], reference: CategoricalCounts) -> CategoricalCounts:
    names, found = np.unique(texts.astype(np.str_), return_counts=True)
    counted = dict(zip(names.tolist(), found.tolist(), strict=True))
    nulls = counted.pop(NULL_TEXT, 0)
    counts = tuple(counted.get(category, 0) for category in reference.categories)
    other = len(texts) - nulls - sum(counts)
    return CategoricalCounts(reference.name, reference.categories, counts, other, nulls)


def _paired(first: tuple[Any, ...], second: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    if names := {column.name for column in first} ^ {column.name for column in second}:
        raise DifferentEdgesError(min(names))
    by_name = {column.name: column for column in second}
    return [(column, by_name[column.name]) for column in first]


def _merge_numbers(one: NumericCounts, two: NumericCounts) -> NumericCounts:
    if one.edges != two.edges:
        raise DifferentEdgesError(one.name)
    return NumericCounts(
        name=one.name,
        edges=one.edges,
        counts=_added(one.counts, two.counts),
        below=one.below + two.below,
        above=one.above + two.above,
        nulls=one.nulls + two.nulls,
        non_finite=one.non_finite + two.non_finite,
    )


def _merge_texts(one: CategoricalCounts, two: CategoricalCounts) -> CategoricalCounts:
    if one.categories != two.categories:
        raise DifferentEdgesError(one.name)
    counts = _added(one.counts, two.counts)
    return CategoricalCounts(one.name, one.categories, counts, one.other + two.other, one.nulls + two.nulls)


def _added(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(left + right for left, right in zip(one, two, strict=True))
