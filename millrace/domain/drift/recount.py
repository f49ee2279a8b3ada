"""What would a window look like that was counted over the edges of another reference?"""

from dataclasses import replace

import numpy as np

from millrace.domain.drift.pieces import pieces_of
from millrace.domain.profile import CategoricalCounts, NumericCounts

Counts = NumericCounts | CategoricalCounts


def recount(column: Counts, reference: Counts) -> Counts:
    """Return the counts of a column over the edges or categories of `reference`.

    Over the same ones nothing changes. Over others what lies between two edges is taken to be spread evenly.
    What lay beyond the range of the column's own edges, or was counted among other categories, stays there:
    where it would be is not known. A column of another kind is returned as it is.
    """
    if isinstance(column, NumericCounts) and isinstance(reference, NumericCounts):
        return column if column.edges == reference.edges else _numbers(column, reference)
    if isinstance(column, CategoricalCounts) and isinstance(reference, CategoricalCounts):
        return column if column.categories == reference.categories else _categories(column, reference)
    return column


def _numbers(column: NumericCounts, reference: NumericCounts) -> NumericCounts:
    within = sum(column.counts)
    if not within or not reference.edges:
        zeros, above = (0,) * len(reference.edges), within + column.above
        return replace(column, edges=reference.edges, counts=zeros, exact=zeros, above=above)
    pieces = pieces_of(replace(column, below=0, above=0))
    edges = np.asarray(reference.edges, dtype=np.float64)
    under = np.round(pieces.count_below(edges)).astype(np.int64)
    up_to = np.round(pieces.count_below(np.nextafter(edges, np.inf))).astype(np.int64)
    return NumericCounts(
        name=column.name,
        edges=reference.edges,
        counts=tuple(np.diff(up_to, prepend=under[0]).tolist()),
        exact=tuple((up_to - under).tolist()),
        below=column.below + int(under[0]),
        above=column.above + within - int(up_to[-1]),
        nulls=column.nulls,
        non_finite=column.non_finite,
    )


def _categories(column: CategoricalCounts, reference: CategoricalCounts) -> CategoricalCounts:
    counted = dict(zip(column.categories, column.counts, strict=True))
    counts = tuple(counted.get(name, 0) for name in reference.categories)
    other = column.other + sum(column.counts) - sum(counts)
    return CategoricalCounts(column.name, reference.categories, counts, other, column.nulls)
