"""What does a counted column consist of, whatever its values are?"""

from dataclasses import dataclass

from millrace.domain.drift.recount import Counts
from millrace.domain.profile import NumericCounts


@dataclass(frozen=True)
class Composition:
    """Counts of a column's rows by kind.

    `unseen` are the values that the reference's edges or categories do not cover, part of `values`. `only` is
    the place of the one cell that holds all values, None where there are several or none.
    """

    rows: int
    nulls: int
    non_finite: int
    unseen: int
    values: int
    only: int | None


def compose(column: Counts) -> Composition:
    """Count the rows of a column by kind."""
    if isinstance(column, NumericCounts):
        unseen, non_finite = column.below + column.above, column.non_finite
    else:
        unseen, non_finite = column.other, 0
    values = sum(column.counts) + unseen
    cells = cells_of(column)
    only = cells.index(values) if values in cells and values > 0 else None
    return Composition(values + non_finite + column.nulls, column.nulls, non_finite, unseen, values, only)


def cells_of(column: Counts) -> list[int]:
    """Count each category or, of numbers, each edge and what lies before it."""
    if isinstance(column, NumericCounts):
        return [
            cell
            for count, exact in zip(column.counts, column.exact, strict=True)
            for cell in (count - exact, exact)
        ]
    return [*column.counts]


def name_of_cell(column: Counts, place: int) -> str:
    """Say which values a cell holds."""
    if not isinstance(column, NumericCounts):
        return column.categories[place]
    edge, is_exact = divmod(place, 2)
    if is_exact:
        return f"{column.edges[edge]:g}"
    return f"values between {column.edges[edge - 1]:g} and {column.edges[edge]:g}"
