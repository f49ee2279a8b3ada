"""Is what a scan says of a table true, whatever its size?"""

import math
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.adapters.tables import detect_format, scan_table
from millrace.adapters.tables.column_tally import ColumnTally
from millrace.adapters.tables.distinct import DistinctEstimate
from millrace.adapters.tables.reading import read_batches, respell_column, to_frame
from millrace.domain.columns import convert_column
from millrace.domain.config import FormatSection
from millrace.domain.config.data import ColumnContract
from millrace.domain.kinds import ColumnType
from millrace.domain.table_scan import ColumnScan, TableScan

ROWS = 30_000


def mixed() -> pd.DataFrame:
    luck = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "x": np.round(luck.normal(0.0, 10.0, ROWS), 6),
            "few": luck.choice(["a", "b", "c"], ROWS, p=[0.7, 0.2, 0.1]),
            "word": [f"w{number}" for number in luck.integers(0, 20_000, ROWS)],
            "gap": np.where(luck.random(ROWS) < 0.2, np.nan, luck.integers(0, 50, ROWS) / 4),
            "yes": luck.random(ROWS) < 0.5,
            "at": pd.date_range("2020-01-01", periods=ROWS, freq="min"),
            "flag": luck.integers(0, 2, ROWS),
            "zip": [f"{number:05d}" for number in luck.integers(0, 99_999, ROWS)],
        }
    )


def scanned(path: Path, sample_rows: int = 1_000) -> TableScan:
    format_, _ = detect_format(path)
    return scan_table(path, format_, sample_rows)


def written(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_scan_counts_what_pandas_counts(tmp_path: Path, suffix: str) -> None:
    rows, path = mixed(), tmp_path / f"a{suffix}"
    match suffix:
        case ".csv":
            rows.to_csv(path, index=False)
        case ".parquet":
            rows.to_parquet(path)
        case _:
            rows.to_json(path, orient="records", lines=True, date_format="iso")
    scan = scanned(path)
    assert scan.rows == ROWS
    types = {column.name: column.type.value for column in scan.columns}
    assert types == {
        "id": "int", "x": "float", "few": "string", "word": "string", "gap": "float", "yes": "bool",
        "at": "timestamp", "flag": "int", "zip": "string",
    }  # fmt: skip
    for column in scan.columns:
        same_as_pandas(column, rows[column.name])
    assert {column.name for column in scan.columns if column.rises} == {"id", "at"}


def same_as_pandas(column: ColumnScan, values: "pd.Series") -> None:
    assert column.nulls == values.isna().sum()
    assert math.isclose(column.distinct, values.nunique(), rel_tol=0.06)
    if values.nunique() <= 4_000:
        assert column.distinct == values.nunique()
        assert [count for _, count in column.common] == values.value_counts().head(100).tolist()
    if column.type in (ColumnType.INT, ColumnType.FLOAT):
        assert (column.low, column.high) == (values.min(), values.max())
    if column.type is ColumnType.STRING:
        assert column.mean_length == pytest.approx(values.str.len().mean())
    if column.type is ColumnType.TIMESTAMP:
        bounds = [moment.to_pydatetime().replace(tzinfo=UTC) for moment in (values.min(), values.max())]
        assert [column.first, column.last] == bounds


def test_a_sample_is_typed_in_order_from_all_of_the_table_and_the_same_every_time(tmp_path: Path) -> None:
    mixed().to_csv(tmp_path / "a.csv", index=False)
    scan = scanned(tmp_path / "a.csv", 900)
    ids = scan.sample["id"]
    assert len(ids) == 900
    assert ids.is_monotonic_increasing
    assert np.abs(np.histogram(ids, bins=10, range=(0, ROWS))[0] - 90).max() < 40
    assert [str(dtype) for dtype in scan.sample.dtypes] == [
        "int64", "float64", "str", "str", "float64", "bool", "datetime64[us, UTC]", "int64", "str",
    ]  # fmt: skip
    again = scanned(tmp_path / "a.csv", 900)
    pd.testing.assert_frame_equal(scan.sample, again.sample)
    pd.testing.assert_frame_equal(
        scan.sample.drop(columns="at"), mixed().loc[ids].drop(columns="at").reset_index(drop=True)
    )


def test_a_sample_of_a_small_table_is_all_of_it(tmp_path: Path) -> None:
    scan = scanned(written(tmp_path, "a,b\n1,x\n2,y\n3,\n"), 10)
    assert scan.sample["a"].tolist() == [1, 2, 3]
    assert scan.sample["b"].isna().tolist() == [False, False, True]


def test_words_for_nothing_are_nulls_among_numbers_and_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "x,at,word\n1,2020-01-01,NA\n-,?,b\nNA,2020-01-03,-\n2,N/A,c\n")
    scan = scanned(path)
    assert scan.format.nulls == ("-", "?", "N/A", "NA")
    assert [(column.type.value, column.nulls) for column in scan.columns] == [
        ("int", 2), ("timestamp", 2), ("string", 0),
    ]  # fmt: skip
    assert "'-', '?', 'N/A', 'NA' mean that nothing is there" in scan.guesses[0]


def test_a_cell_of_blanks_is_nothing_among_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "total,word\n" + "1.5,a\n" * 20 + " ,b\n   , \n2.5,c\n")
    scan = scanned(path)
    assert (scan.column("total").type, scan.column("total").nulls) == (ColumnType.FLOAT, 2)
    assert scan.format.nulls == (" ",)
    assert scan.column("word").type is ColumnType.STRING
    batch = next(one for one in read_batches(path, scan.format, 100) if one.num_rows)
    totals = to_frame(batch, scan.format, {"total": ColumnType.FLOAT, "word": ColumnType.STRING})["total"]
    read = convert_column(totals, ColumnContract(type=ColumnType.FLOAT, max_null_share=1.0))
    assert (int(read.values.isna().sum()), read.refused) == (2, None)
    later = respell_column("total", pa.array(["1", "  ", "\t", "-"]), scan.format, ColumnType.FLOAT)
    assert later.to_pylist() == ["1", None, None, "-"]


def test_times_of_day_and_durations_are_the_texts_that_a_scan_takes_them_for(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    times = pa.array([time(8, 30), time(17, 0), None])
    pq.write_table(pa.table({"start": times, "took": pa.array([5, 7, None], pa.duration("s"))}), path)
    scan = scanned(path)
    assert {one.type for one in scan.columns} == {ColumnType.STRING}
    batch = next(one for one in read_batches(path, scan.format, 100) if one.num_rows)
    frame = to_frame(batch, scan.format, {one.name: one.type for one in scan.columns})
    for column in scan.columns:
        read = convert_column(frame[column.name], ColumnContract(type=ColumnType.STRING, max_null_share=1.0))
        assert read.refused is None
        assert set(read.values.dropna()) == {text for text, _ in column.common}


def test_among_words_only_those_that_can_mean_nothing_else_are_nulls(tmp_path: Path) -> None:
    scan = scanned(written(tmp_path, "n,grade\n1,-\n2,None\n3,+\n4,NULL\n5,NA\n"))
    assert scan.format.nulls == ("NULL",)
    grade = scan.column("grade")
    assert (grade.nulls, grade.distinct) == (1, 4)
    assert dict(grade.common) == {"-": 1, "None": 1, "+": 1, "NA": 1}


def test_one_text_at_the_end_makes_a_column_text_and_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "12,0.5\n" * 300_000 + "12b,1\n")
    scan = scanned(path)
    assert scan.column("a").type is ColumnType.STRING
    assert scan.column("b").type is ColumnType.FLOAT
    assert any("'a' is taken for text" in guess and "'12b'" in guess for guess in scan.guesses)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["0", "1"], "int"), (["1", "1.5"], "float"), (["1.0", "2.0"], "float"), (["007", "12"], "string"),
        (["true", "False"], "bool"), (["true", "1"], "string"), (["0x1", "2"], "string"),
        (["+5", "-3"], "int"),
        (["9223372036854775807", "1"], "int"), (["9223372036854775808", "1"], "string"),
        (["0.5", "-0"], "float"),
        (["2020-01-01", "2020-01-02 10:00"], "timestamp"), (["inf", "1.5"], "string"),
        (["1_000", "2"], "string"),
        (["", ""], "string"), (["2020", "2021"], "int"), (["10:30", "11:00"], "string"),
    ],
)  # fmt: skip
def test_the_type_is_the_narrowest_that_all_values_have(
    tmp_path: Path, texts: list[str], wanted: str
) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"v": texts, "n": ["x", "y"]}).to_csv(path, index=False)
    assert scan_table(path, FormatSection(), 5).column("v").type.value == wanted


def test_whole_numbers_that_a_float_cannot_hold_are_noticed(tmp_path: Path) -> None:
    scan = scanned(written(tmp_path, "id,n\n9007199254740993,1\n0.5,2\n"))
    assert any("'id' has numbers beyond 2**53" in guess for guess in scan.guesses)


def test_infinite_numbers_are_noticed(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1.0, np.inf, np.nan]}).to_parquet(tmp_path / "a.parquet")
    scan = scanned(tmp_path / "a.parquet")
    assert (scan.column("x").nulls, scan.column("x").high) == (1, 1.0)
    assert any("'x' has 1 infinite values" in guess for guess in scan.guesses)


def test_texts_of_parquet_are_no_numbers_but_times_are_times(tmp_path: Path) -> None:
    rows = pd.DataFrame({"code": ["94110", "10001"], "at": ["2020-01-01", "2020-01-02"]})
    rows.to_parquet(tmp_path / "a.parquet")
    scan = scanned(tmp_path / "a.parquet")
    assert [column.type.value for column in scan.columns] == ["string", "timestamp"]
    assert scan.column("at").first == datetime(2020, 1, 1, tzinfo=UTC)


def test_one_number_in_two_writings_is_one_value(tmp_path: Path) -> None:
    column = scanned(written(tmp_path, "x,w\n1,a\n1.0,b\n2.5,c\n+1,d\n")).column("x")
    assert (column.distinct, column.common) == (2, (("1", 3), ("2.5", 1)))


def test_many_values_are_counted_to_a_few_percent_however_they_come() -> None:
    estimate, luck = DistinctEstimate(), np.random.default_rng(0)
    for start in range(0, 400_000, 10_000):
        estimate.add(luck.permutation(np.arange(start, start + 20_000)))
    assert math.isclose(estimate.count(), 410_000, rel_tol=0.05)


def test_a_column_that_falls_back_between_two_chunks_does_not_rise() -> None:
    falling, rising = (ColumnTally("n", FormatSection(), is_typed=False) for _ in range(2))
    for chunk in (["5", "6"], ["1", "7"]):
        falling.add(pa.array(chunk))
    for chunk in (["5", "6"], ["6", "7"]):
        rising.add(pa.array(chunk))
    assert [one.finish(frozenset()).rises for one in (falling, rising)] == [False, True]


def test_a_thousand_columns_are_scanned(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        np.arange(1_000_000).reshape(1_000, 1_000), columns=[f"größe {n}" for n in range(1_000)]
    )
    rows.to_csv(tmp_path / "a.csv", index=False)
    scan = scanned(tmp_path / "a.csv", 50)
    assert len(scan.columns) == 1_000
    assert all(column.distinct == 1_000 and column.rises for column in scan.columns)
    assert scan.sample.shape == (50, 1_000)


NEARLY: list[tuple[list[str], list[str], str]] = [
    ([f"{n}" for n in range(100)], ["x7"], "int"),
    ([f"{n}.5" for n in range(100)], ["inf", "-inf"], "float"),
    ([f"2020-01-{1 + n % 28:02d}" for n in range(100)], ["31.01.2020"], "timestamp"),
    ([f"{1 + n % 28:02d}.01.2020" for n in range(100)], ["bald"], "timestamp"),
]


@pytest.mark.parametrize(("texts", "odd", "type_"), NEARLY)
def test_some_odd_values_that_make_a_column_text_are_said(
    tmp_path: Path, texts: list[str], odd: list[str], type_: str
) -> None:
    rows = [*texts[:50], *odd, *texts[50:]]
    path = written(tmp_path, "v,n\n" + "".join(f"{value},1\n" for value in rows))
    format_, guesses = detect_format(path)
    scan = scan_table(path, format_, 10)
    assert scan.column("v").type is ColumnType.STRING
    assert scan.column("v").nearly is ColumnType(type_)
    assert scan.format.times == {}
    [told] = [*guesses, *scan.guesses]
    assert f"100 of its {100 + len(odd)} values are" in told
    listed = ", ".join(f'"{one}"' for one in odd)
    assert f"`nulls = [{listed}]` in [data.format]" in told


@pytest.mark.parametrize("odd", [["a"] * 20, ["01234"], [f"{n}0-" for n in range(30)]])
def test_a_column_of_which_many_values_are_words_or_codes_is_text_without_a_word(
    tmp_path: Path, odd: list[str]
) -> None:
    values = [*map(str, range(90)), *odd]
    scan = scanned(written(tmp_path, "v,n\n" + "".join(f"{value},1\n" for value in values)))
    assert (scan.column("v").nearly, scan.guesses) == (None, ())


@pytest.mark.parametrize("word", ["n.a.", "k.A.", "TBD", "unbekannt", "Unknown"])
def test_more_words_mean_nothing_among_numbers(tmp_path: Path, word: str) -> None:
    scan = scanned(written(tmp_path, f"v,n\n1,1\n{word},1\n3,1\n"))
    assert scan.column("v").type is ColumnType.INT
    assert f"'{word}' means that nothing is there (in v)" in scan.guesses[0]


def test_a_word_that_means_nothing_among_numbers_stays_a_category(tmp_path: Path) -> None:
    path = written(tmp_path, "area,garage\nnone,none\n5,box\n6,none\n")
    scan = scanned(path)
    assert scan.format.nulls == ("none",)
    assert dict(scan.column("garage").common) == {"none": 2, "box": 1}
    assert (scan.column("garage").nulls, scan.column("area").nulls) == (0, 1)
    assert scan.sample["garage"].tolist() == ["none", "box", "none"]


@pytest.mark.parametrize("codes", ["1000-01,2031-07", "0001-12,9999-12"])
def test_codes_that_look_like_months_are_text(tmp_path: Path, codes: str) -> None:
    one, two = codes.split(",")
    assert scanned(written(tmp_path, f"v,n\n{one},1\n{two},2\n")).column("v").type is ColumnType.STRING


def test_months_are_times_and_that_is_said(tmp_path: Path) -> None:
    scan = scanned(written(tmp_path, "v,n\n2020-01,1\n2020-02,2\n"))
    assert scan.column("v").type is ColumnType.TIMESTAMP
    assert any("'v' has months such as 2020-01" in guess for guess in scan.guesses)


def test_whole_numbers_of_parquet_beyond_int64_are_text_and_that_is_said(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([1, 2**64 - 1], pa.uint64()), "n": pa.array([1, 2], pa.uint64())})
    pq.write_table(table, tmp_path / "a.parquet")
    scan = scanned(tmp_path / "a.parquet")
    assert [column.type for column in scan.columns] == [ColumnType.STRING, ColumnType.INT]
    assert scan.sample["id"].tolist() == ["1", str(2**64 - 1)]
    assert any(
        "'id' is taken for text: it has whole numbers beyond 64 bits" in guess for guess in scan.guesses
    )


def test_decimals_without_a_fraction_are_whole_numbers(tmp_path: Path) -> None:
    columns = {
        "n": pa.array([Decimal(2**60 + 1), None], pa.decimal128(38, 0)),
        "x": pa.array([Decimal("1.50"), Decimal("2.00")], pa.decimal128(10, 2)),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    scan = scanned(tmp_path / "a.parquet")
    assert [column.type for column in scan.columns] == [ColumnType.INT, ColumnType.FLOAT]
    assert scan.column("n").common == ((str(2**60 + 1), 1),)
