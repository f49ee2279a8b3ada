"""What may a request hold that two bundles are to answer?"""

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
