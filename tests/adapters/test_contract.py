"""Is every broken clause found, counted over the whole batch, and shown by its first rows?"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.contract import BatchCheck, check_batch
from millrace.domain.config import ColumnContract, ContractSection
from millrace.domain.contract import Violation
from millrace.domain.kinds import ColumnType


def contract(**columns: ColumnContract) -> ContractSection:
    return ContractSection(min_rows=1, max_duplicate_share=0.0, min_label_share=0.0, columns=columns)


def column(kind: ColumnType, **clauses: Any) -> ColumnContract:
    return ColumnContract(type=kind, **clauses)


FULL = contract(
    at=column(ColumnType.TIMESTAMP),
    code=column(ColumnType.STRING, pattern="[A-Z]{2}"),
    size=column(ColumnType.STRING, categories=("s", "m", "l"), max_null_share=0.5),
    count=column(ColumnType.INT, min=0, max=9),
    share=column(ColumnType.FLOAT, min=0.0, max=1.0, max_null_share=0.5),
    seen=column(ColumnType.BOOL),
)


def clean(rows: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "seen": [True, False] * (rows // 2),
            "share": [0.5, None] * (rows // 2),
            "count": range(rows),
            "size": pd.Series(["s", None] * (rows // 2), dtype="str"),
            "code": ["AA", "BB"] * (rows // 2),
            "at": pd.date_range("2013-01-01", periods=rows, freq="h", tz="America/New_York"),
        }
    )


def check(chunks: Iterable[pd.DataFrame], section: ContractSection) -> tuple[BatchCheck, list[pd.DataFrame]]:
    stored: list[pd.DataFrame] = []
    return check_batch(chunks, section, stored.append), stored


def only_violation(values: Any, one: ColumnContract, dtype: Any = None) -> Violation:
    found, _ = check([pd.DataFrame({"c": pd.Series(values, dtype=dtype)})], contract(c=one))
    (violation,) = found.violations
    return violation


def test_clean_rows_pass_in_the_types_and_order_of_the_contract() -> None:
    found, (stored,) = check([clean()], FULL)
    assert found.violations == ()
    assert found.rows == 6
    assert found.null_counts == {"at": 0, "code": 0, "size": 3, "count": 0, "share": 3, "seen": 0}
    assert {name: str(dtype) for name, dtype in stored.dtypes.items()} == {
        "at": "datetime64[us, UTC]",
        "code": "str",
        "size": "str",
        "count": "int64",
        "share": "float64",
        "seen": "bool",
    }
    assert list(stored.columns) == list(FULL.columns)
    assert found.time_bounds == {
        "at": (datetime(2013, 1, 1, 5, tzinfo=UTC), datetime(2013, 1, 1, 10, tzinfo=UTC))
    }


def test_text_of_a_csv_becomes_the_same_rows_as_typed_values() -> None:
    typed, text = clean(), clean().assign(at=lambda rows: rows["at"].map(str)).astype("str")
    found, (stored,) = check([text], FULL)
    assert found.violations == ()
    pd.testing.assert_frame_equal(stored, check([typed], FULL)[1][0])


def test_a_column_that_may_hold_nulls_has_one_dtype_in_every_chunk() -> None:
    section = contract(
        i=column(ColumnType.INT, max_null_share=0.5), b=column(ColumnType.BOOL, max_null_share=0.5)
    )
    whole = pd.DataFrame({"i": [1, 2], "b": [True, False]})
    holes = pd.DataFrame({"i": [1, None], "b": [True, None]})
    found, stored = check([whole, holes], section)
    assert found.violations == ()
    assert [[str(dtype) for dtype in chunk.dtypes] for chunk in stored] == [["float64", "float64"]] * 2
    assert stored[0]["b"].tolist() == [1.0, 0.0]


def test_a_missing_column_cannot_be_waived_and_nothing_is_stored() -> None:
    found, stored = check([clean().drop(columns="size")], FULL)
    assert found.violations == (Violation("missing", "size", 1, "column 'size' is missing", waivable=False),)
    assert stored == []


def test_an_extra_column_is_a_violation_and_is_dropped() -> None:
    found, (stored,) = check([clean().assign(gate=1)], FULL)
    (violation,) = found.violations
    assert (violation.clause, violation.column, violation.waivable) == ("extra", "gate", True)
    assert "gate" not in stored.columns


def test_a_batch_without_rows_is_still_held_to_its_columns() -> None:
    found, _ = check([clean().iloc[:0].drop(columns="at")], FULL)
    assert (found.rows, [violation.column for violation in found.violations]) == (0, ["at"])
    assert check([clean().iloc[:0]], FULL)[0].violations == ()


def test_a_violation_is_counted_over_all_chunks_with_the_first_five_rows_of_the_batch() -> None:
    one = contract(n=column(ColumnType.INT, max=9))
    chunks = [pd.DataFrame({"n": [1, 11, 12]}), pd.DataFrame({"n": [13, 2, 14, 15, 16, 17]})]
    (violation,) = check(chunks, one)[0].violations
    assert (violation.clause, violation.count) == ("max", 7)
    assert violation.message == "7 of 9 values are above 9.0"
    assert violation.examples == ("row 1: 11", "row 2: 12", "row 3: 13", "row 5: 14", "row 6: 15")
    assert violation.waivable


def test_rows_that_break_a_waivable_clause_are_still_handed_on() -> None:
    found, stored = check([pd.DataFrame({"n": [1, 11]})], contract(n=column(ColumnType.INT, max=9)))
    assert len(found.violations) == 1
    assert stored[0]["n"].tolist() == [1, 11]


def test_each_clause_of_a_value_finds_its_offenders() -> None:
    number, word = ColumnType.FLOAT, ColumnType.STRING
    assert only_violation([0.5, -0.1], column(number, min=0)).examples == ("row 1: -0.1",)
    assert only_violation([0.5, 1e300], column(number, max=1)).examples == ("row 1: 1e+300",)
    assert only_violation(["s", "xl"], column(word, categories=("s", "m"))).examples == ("row 1: 'xl'",)
    assert only_violation([1, 3], column(ColumnType.INT, categories=("1", "2"))).examples == ("row 1: 3",)


def test_a_pattern_must_cover_the_whole_value() -> None:
    violation = only_violation(["AA", "AAA", "aa", "AA\n"], column(ColumnType.STRING, pattern="[A-Z]{2}"))
    assert violation.examples == ("row 1: 'AAA'", "row 2: 'aa'", "row 3: 'AA\\n'")


def test_the_share_of_nulls_is_judged_over_the_batch_not_over_a_chunk() -> None:
    one = contract(x=column(ColumnType.FLOAT, max_null_share=0.25))
    nulls, values = pd.DataFrame({"x": [None, None]}), pd.DataFrame({"x": [1.0] * 6})
    assert check([nulls, values], one)[0].violations == ()
    (violation,) = check([nulls, values, nulls.iloc[:1]], one)[0].violations
    assert violation.message == "3 of 9 rows are null, 33.33%; allowed are 25.00%"
    assert violation.examples == ("row 0: null", "row 1: null", "row 8: null")


@pytest.mark.parametrize("kind", list(ColumnType))
def test_an_all_null_column_of_any_type_is_a_matter_of_its_null_share(kind: ColumnType) -> None:
    nothing = pd.Series([None, None], dtype="object")
    violation = only_violation(nothing, column(kind, max_null_share=0.5), "object")
    assert (violation.clause, violation.count) == ("nulls", 2)


@pytest.mark.parametrize(
    ("kind", "values", "refused"),
    [
        (ColumnType.FLOAT, ["1.5", "fast", "2"], "'fast'"),
        (ColumnType.FLOAT, [1.0, float("inf"), 2.0], "inf"),
        (ColumnType.INT, ["1", "1.5", "2"], "'1.5'"),
        (ColumnType.INT, [1.0, 1.5, 2.0], "1.5"),
        (ColumnType.INT, [1, 2**63, 2], "9223372036854775808"),
        (ColumnType.BOOL, ["true", "yes", "0"], "'yes'"),
        (ColumnType.BOOL, [1, 2, 0], "2"),
        (ColumnType.STRING, ["a", 5, "b"], "5"),
        (ColumnType.TIMESTAMP, ["2013-01-01", "soon", "2013-01-01T05:00:00Z"], "'soon'"),
        (ColumnType.TIMESTAMP, [date(2013, 1, 1), "2013-13-01", None], "'2013-13-01'"),
        (
            ColumnType.TIMESTAMP,
            pd.Series([0, 2**40, 1], dtype="datetime64[s, America/New_York]"),
            "36812-02-20 00:36:16",
        ),
        (
            ColumnType.TIMESTAMP,
            np.array([0, 2**60, 1], dtype="datetime64[us]"),
            "38504-08-17 21:30:06.846976",
        ),
    ],
)
def test_mixed_types_are_found_and_cannot_be_waived(kind: ColumnType, values: Any, refused: str) -> None:
    violation = only_violation(pd.Series(values), column(kind, max_null_share=0.9))
    assert (violation.clause, violation.count, violation.waivable) == ("type", 1, False)
    assert violation.examples == (f"row 1: {refused}",)
    assert violation.message == f"1 of 3 values are no {kind}"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnType.STRING, pd.Series([1, 2])),
        (ColumnType.TIMESTAMP, pd.Series([1_356_998_400, 1_356_998_401])),
        (ColumnType.FLOAT, pd.Series(pd.date_range("2013-01-01", periods=2))),
    ],
    ids=["numbers are no text", "numbers are no times", "times are no numbers"],
)
def test_a_column_of_another_kind_is_refused_row_by_row(kind: ColumnType, values: "pd.Series[Any]") -> None:
    found, stored = check([pd.DataFrame({"c": values})], contract(c=column(kind)))
    assert [(violation.clause, violation.count) for violation in found.violations] == [("type", 2)]
    assert stored == []


def test_dictionaries_decimals_and_naive_times_are_read_as_what_they_mean() -> None:
    section = contract(
        word=column(ColumnType.STRING), price=column(ColumnType.FLOAT), at=column(ColumnType.TIMESTAMP)
    )
    rows = pd.DataFrame(
        {
            "word": pd.Categorical(["a", "b"]),
            "price": [Decimal("1.5"), Decimal(2)],
            "at": pd.to_datetime(["2013-01-01", "2013-01-02"]),
        }
    )
    found, (stored,) = check([rows], section)
    assert found.violations == ()
    assert stored["price"].tolist() == [1.5, 2.0]
    assert str(stored["word"].dtype) == "str"
    assert stored["at"][0] == pd.Timestamp("2013-01-01", tz="UTC")


def test_large_integers_keep_every_digit() -> None:
    large = [2**53 + 1, 2**62 + 1]
    one = contract(id=column(ColumnType.INT))
    for values in (large, list(map(str, large))):
        assert check([pd.DataFrame({"id": values})], one)[1][0]["id"].tolist() == large


def test_a_long_value_is_shown_in_part() -> None:
    violation = only_violation(["x" * 10_000], column(ColumnType.STRING, categories=("s",)))
    assert len(violation.examples[0]) < 80


def test_a_released_batch_may_hold_nulls_where_integers_allow_none() -> None:
    found, (stored,) = check([pd.DataFrame({"n": [1, np.nan]})], contract(n=column(ColumnType.INT)))
    assert [violation.clause for violation in found.violations] == ["nulls"]
    assert stored["n"].isna().tolist() == [False, True]
