"""What may a request hold that two bundles are to answer?"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.bundle import MANIFEST_FILE, CorruptBundleError, InputColumn, Manifest, parse_file
from millrace.domain.kinds import ColumnType

bounds = st.none() | st.integers(-5, 5)
words = st.none() | st.lists(st.sampled_from("abc"), unique=True).map(tuple)
columns = st.builds(
    InputColumn,
    st.just("x"),
    st.just(ColumnType.FLOAT),
    st.booleans(),
    min=bounds,
    max=bounds,
    categories=words,
)


def allows(column: InputColumn, value: float | str | None) -> bool:
    if value is None:
        return column.nullable
    if isinstance(value, str):
        return column.categories is None or value in column.categories
    return (column.min is None or value >= column.min) and (column.max is None or value <= column.max)


@given(columns, columns, st.none() | st.integers(-6, 6) | st.sampled_from("abcd"))
def test_what_both_columns_allow_is_what_the_narrowed_one_allows(
    one: InputColumn, other: InputColumn, value: float | str | None
) -> None:
    assert allows(one.narrowed_by(other), value) == (allows(one, value) and allows(other, value))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"weather":' + b"[" * 100_000])
def test_what_is_no_manifest_is_refused_however_it_is_broken(content: bytes) -> None:
    with pytest.raises(CorruptBundleError, match=f"file {MANIFEST_FILE}: found"):
        parse_file(content, Manifest, MANIFEST_FILE)


@pytest.mark.parametrize(
    ("column", "allowed", "refused"),
    [
        (InputColumn("x", ColumnType.INT, False, min=1, max=9), [1, 9, 3.0], [0, 10, None]),
        (InputColumn("x", ColumnType.INT, False, categories=("1", "2")), [1, 2, 3], [None]),
        (InputColumn("x", ColumnType.BOOL, True, categories=("true",)), [True, False, None], []),
        (InputColumn("x", ColumnType.STRING, True, categories=("a",)), ["a", None], ["b"]),
        (InputColumn("x", ColumnType.TIMESTAMP, False), ["2013-04-01T00:00:00+00:00"], [None]),
    ],
)
def test_a_column_allows_what_its_service_would(
    column: InputColumn, allowed: list[Any], refused: list[Any]
) -> None:
    allows = column.make_check()
    assert [allows(value) for value in allowed] == [True] * len(allowed)
    assert [allows(value) for value in refused] == [False] * len(refused)


@pytest.mark.parametrize(
    ("change", "is_narrower"),
    [
        ({}, False),
        ({"max": 9}, False),
        ({"max": 4}, True),
        ({"min": -1}, False),
        ({"min": 1}, True),
        ({"nullable": False}, True),
        ({"categories": ("1",)}, False),
    ],
)
def test_a_column_is_narrower_where_another_allows_more(change: dict[str, Any], is_narrower: bool) -> None:
    column = InputColumn("x", ColumnType.INT, True, min=0, max=8)
    assert replace(column, **change).is_narrower_than(column) is is_narrower
    words = InputColumn("x", ColumnType.STRING, True, categories=("a", "b"))
    assert replace(words, categories=("b",)).is_narrower_than(words)
    assert not replace(words, categories=("b", "a", "c")).is_narrower_than(words)
