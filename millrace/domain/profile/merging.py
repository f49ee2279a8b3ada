"""What did two windows together look like?"""

from typing import Any

from millrace.domain.profile.counts import (
    CategoricalCounts,
    DifferentEdgesError,
    NumericCounts,
    Profile,
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
        exact=_added(one.exact, two.exact),
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
