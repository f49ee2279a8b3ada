"""Is the way a file is written found out, and what was guessed said?"""

import gzip
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.adapters.tables import detect_format, read_table, scan_table
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def found(path: Path) -> dict[str, object]:
    return detect_format(path)[0].model_dump(exclude_defaults=True)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.data", "a.csv.gz", "a.parquet", "a.xlsx", "a.jsonl"])
def test_a_file_that_is_written_as_usual_has_the_usual_format(tmp_path: Path, name: str) -> None:
    rows = pd.DataFrame(
        {"n": [1, 2], "x": [0.5, 1.25], "word": ["a", "ü, b"], "at": ["2020-01-01", "2020-01-02"]}
    )
    path = tmp_path / name
    match path.suffix:
        case ".parquet":
            rows.to_parquet(path)
        case ".xlsx":
            rows.to_excel(path, index=False)
        case ".jsonl":
            rows.to_json(path, orient="records", lines=True)
        case ".gz":
            path.write_bytes(gzip.compress(rows.to_csv(index=False).encode()))
        case _:
            rows.to_csv(path, index=False)
    assert detect_format(path) == (FormatSection(), ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_among_values_that_hold_others(tmp_path: Path, delimiter: str) -> None:
    rows = pd.DataFrame({"a": ["x,y;z", "u|v\tw", "line\nbreak"], "b c": ['say "so"', "b", "c"]})
    path = tmp_path / "a.txt"
    rows.to_csv(path, sep=delimiter, index=False)
    format_, _ = detect_format(path)
    assert format_.delimiter == delimiter
    pd.testing.assert_frame_equal(pd.concat(read_table(path, format_)), rows)


def test_a_delimiter_splits_the_lines_below_as_it_splits_the_names(tmp_path: Path) -> None:
    path = written(tmp_path, "n;width, in m, net;word\n" + "1;2,5;x\n" * 30)
    assert found(path) == {"delimiter": ";", "decimal": ","}


def test_a_table_of_one_column_has_no_delimiter_to_find(tmp_path: Path) -> None:
    assert found(written(tmp_path, "word\none\ntwo words\nthree\n")) == {}


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"),
     ("latin-1", "cp1252"), ("cp1251", "cp1251"), ("shift_jis", "shift_jis")],
)  # fmt: skip
def test_the_encoding_is_found(tmp_path: Path, encoding: str, wanted: str) -> None:
    words = {"cp1251": "Привет, как дела сегодня", "shift_jis": "これは日本語の文章です"}.get(
        encoding, "Grüße aus Köln, schöne Straße"
    )
    lines = "".join(f'{n},"{words}"\n' for n in range(40))
    path = written(tmp_path, f"n,word\n{lines}", encoding)
    format_, guesses = detect_format(path)
    assert format_.encoding == wanted
    assert pd.concat(read_table(path, format_))["word"].unique().tolist() == [words]
    is_certain = encoding in ("utf-8-sig", "utf-16")
    assert [guess for guess in guesses if "`encoding` in [data.format] says so" in guess] == list(guesses)
    assert (guesses == ()) is is_certain


NUMBERS: list[tuple[list[str], dict[str, str]]] = [
    (["1.234,56", "0,5"], {"decimal": ",", "thousands": "."}),
    (["1,234.56", "0.5"], {"thousands": ","}),
    (["1 234,5", "-7"], {"decimal": ",", "thousands": " "}),
    (["1\u00a0234,5", "7,25"], {"decimal": ",", "thousands": " "}),
    (["1'234.5", "12"], {"thousands": "'"}),
    (["1,5", "2,25"], {"decimal": ","}),
    (["1,234", "999"], {"thousands": ","}),
    (["1,234", "1234"], {"decimal": ","}),
    (["1,234", "0,375"], {"decimal": ","}),
    (["1.234", "0.5"], {}),
    (["1234", "5"], {}),
    (["1e5", "-2.5E-3"], {}),
]


@pytest.mark.parametrize(("texts", "wanted"), NUMBERS)
def test_the_marks_of_numbers_are_decided_by_all_values(
    tmp_path: Path, texts: list[str], wanted: dict[str, str]
) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"x": texts, "word": ["1,5 a", "b"]}).to_csv(path, index=False)
    format_, guesses = detect_format(path)
    assert format_.model_dump(exclude_defaults=True) == wanted
    assert bool(guesses) is bool(wanted)
    assert scan_table(path, format_, 5).column("x").type in (ColumnType.INT, ColumnType.FLOAT)


@pytest.mark.parametrize(("delimiter", "value"), [(",", "1234"), (";", "1.234")])
def test_a_comma_that_nothing_decides_is_stated_as_a_guess(
    tmp_path: Path, delimiter: str, value: str
) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"x": ["1,234", "5,678"], "n": [1, 2]}).to_csv(path, sep=delimiter, index=False)
    [guess] = detect_format(path)[1]
    assert f"'1,234' is taken for {value} (in x); it could be the other way round: `decimal = " in guess


def test_numbers_that_only_other_marks_read_are_said_to_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = {"x": ["1.5", "2.5"], "y": ["3.5", "4.5"], "z": ["1,5", "2,75"]}
    pd.DataFrame(rows).to_csv(path, index=False)
    format_, [guess] = detect_format(path)
    assert format_ == FormatSection()
    assert "'z' is taken for text: its numbers, such as '1,5', would need `decimal = \",\"`" in guess


TIMES: list[tuple[list[str], str | None, bool]] = [
    (["31.01.2020", "01.02.2020"], "%d.%m.%Y", False),
    (["01.02.2020", "03.04.2020"], "%d.%m.%Y", False),
    (["01/31/2020", "02/01/2020"], "%m/%d/%Y", False),
    (["31/01/2020 12:30", "01/02/2020 00:00"], "%d/%m/%Y %H:%M", False),
    (["01/02/2020", "03/04/2020"], "%m/%d/%Y", True),
    (["31.01.20 08:15:00", "01.02.20 23:59:59"], "%d.%m.%y %H:%M:%S", False),
    (["2020/01/31", "2020/02/01"], None, False),
    (["1/31/2020 1:05:00 PM", "2/1/2020 11:00:00 AM"], "%m/%d/%Y %I:%M:%S %p", False),
    (["31 Jan 2020", "1 Feb 2020"], "%d %b %Y", False),
    (["2020-01-31 12:00:00+02:00", "2020-02-01 12:00:00+01:00"], None, False),
    (["2020-01-31T12:00:00Z", "2020-02-01T12:00:00.5Z"], None, False),
    (["31/Jan/2020:12:00:00 +0100", "01/Feb/2020:12:00:00 +0100"], "%d/%b/%Y:%H:%M:%S %z", False),
]


@pytest.mark.parametrize(("texts", "wanted", "guessed"), TIMES)
def test_the_format_of_times_is_found(
    tmp_path: Path, texts: list[str], wanted: str | None, *, guessed: bool
) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"at": texts, "n": [1.5, 2]}).to_csv(path, index=False)
    format_, guesses = detect_format(path)
    assert format_.times == ({} if wanted is None else {"at": wanted})
    assert bool(guesses) is guessed
    assert scan_table(path, format_, 5).column("at").type is ColumnType.TIMESTAMP


def test_a_day_that_could_be_a_month_is_stated_with_the_line_that_decides(tmp_path: Path) -> None:
    text = "at;n\n01/02/2020;1\n03/04/2020;2\n"
    [guess] = detect_format(written(tmp_path, text))[1]
    assert "'01/02/2020' is taken for 2020-02-01" in guess
    assert '`at = "%d/%m/%Y"` in [data.format.times], not "%m/%d/%Y"' in guess


def test_another_column_of_the_file_decides_whether_days_come_first(tmp_path: Path) -> None:
    text = "at,until\n01/02/2020,31/12/2020\n03/04/2020,30/12/2020\n"
    format_, guesses = detect_format(written(tmp_path, text))
    assert format_.times == {"at": "%d/%m/%Y", "until": "%d/%m/%Y"}
    assert len(guesses) == 1


def test_times_in_several_ways_stay_text_and_that_is_said(tmp_path: Path) -> None:
    text = "at,n\n31.01.2020,1\n01/31/2020,2\n2020-01-31,3\n30.01.2020,4\n"
    format_, [guess] = detect_format(written(tmp_path, text))
    assert format_.times == {}
    assert "'at' is taken for text: its times are written in several ways, %d.%m.%Y (2)" in guess


def test_a_value_at_the_end_of_a_large_file_decides(tmp_path: Path) -> None:
    text = '"1,234",01/02/2020,' + "x" * 80 + "\n"
    path = written(tmp_path, "x,at,word\n" + text * 250_000 + '"0,5",31/12/2020,x\n')
    format_, guesses = detect_format(path)
    assert (format_.decimal, format_.times) == (",", {"at": "%d/%m/%Y"})
    assert not any("other way round" in guess or "comes first" in guess for guess in guesses)


def test_seconds_since_1970_stay_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "at,n\n1577836800,1\n1577836801,2\n")
    assert found(path) == {}
    assert scan_table(path, FormatSection(), 5).column("at").type is ColumnType.INT


def test_a_wide_table_may_have_years_for_names(tmp_path: Path) -> None:
    assert found(written(tmp_path, "country,2019,2020\nA,1.5,2\nB,2.5,3\n")) == {}


def test_what_is_left_out_of_a_sheet_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame().to_excel(writer, sheet_name="Cover")
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_excel(writer, sheet_name="Data", index=False, startrow=3)
        writer.book["Data"]["A1"] = "A report"
    format_, guesses = detect_format(path)
    assert format_.sheet == "Data"
    assert any("begins in row 4: what is above is left out" in guess for guess in guesses)
    assert any("sheet 'Data' is read, the first with a table" in guess for guess in guesses)


def spelled(number: float, decimal: str, thousands: str | None) -> str:
    text = f"{number:,.3f}" if thousands else f"{number:.3f}"
    return text.translate(str.maketrans({",": thousands or "", ".": decimal}))


MARKS = st.sampled_from(
    [(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'")]
)


@settings(deadline=None, max_examples=40)
@given(
    numbers=st.lists(st.floats(-1e9, 1e9).map(lambda number: round(number, 3)), min_size=1, max_size=30),
    marks=MARKS,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_numbers_written_in_any_format_are_read_back_as_the_same_numbers(
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[float],
    marks: tuple[str, str | None],
    delimiter: str,
    encoding: str,
) -> None:
    # 0.5 and 1,234.5 in any writing say which mark is which
    numbers = [*numbers, 0.5, 1234.5]
    rows = pd.DataFrame({"wörter": "ü;,x", "x": [spelled(one, *marks) for one in numbers]})
    path = tmp_path_factory.mktemp("numbers") / "a.csv"
    rows.to_csv(path, sep=delimiter, index=False, encoding=encoding)
    format_, _ = detect_format(path)
    scan = scan_table(path, format_, 100)
    assert scan.column("x").type is ColumnType.FLOAT
    assert scan.sample["x"].tolist() == numbers
    assert scan.sample["wörter"].unique().tolist() == ["ü;,x"]


def test_dots_that_may_set_thousands_apart_do_so_among_semicolons_and_that_is_said(tmp_path: Path) -> None:
    text = "Umsatz;Ort;y\n1.234;A;0\n45.678;B;1\n999;C;1\n"
    format_, [guess] = detect_format(written(tmp_path, text))
    assert (format_.decimal, format_.thousands) == (",", ".")
    assert "'1.234' is taken for 1234 (in Umsatz); it could be 1.234" in guess
    assert '`decimal = ",", thousands = "."` in [data.format] says so' in guess
    assert scan_table(tmp_path / "a.csv", format_, 5).sample["Umsatz"].tolist() == [1234, 45678, 999]


def test_dots_that_may_set_thousands_apart_are_points_among_commas_and_that_is_said(tmp_path: Path) -> None:
    format_, [guess] = detect_format(written(tmp_path, "x,y\n1.234,0\n45.678,1\n"))
    assert format_ == FormatSection()
    assert "'1.234' is taken for 1.234 (in x); it could be 1234" in guess


@pytest.mark.parametrize("other", ["0.375", "1234.5", "1.23", "1234"])
def test_one_value_shows_that_dots_are_points(tmp_path: Path, other: str) -> None:
    format_, guesses = detect_format(written(tmp_path, f"x;y\n1.234;0\n{other};1\n"))
    assert (format_.decimal, guesses) == (".", ())


def test_each_column_whose_values_are_not_the_plain_ones_is_named(tmp_path: Path) -> None:
    text = "lat;preis;y\n48.123;6,36;0\n51.456;7,5;1\n"
    format_, guesses = detect_format(written(tmp_path, text))
    assert (format_.decimal, format_.thousands) == (",", ".")
    assert any("'48.123' is taken for 48123 (in lat); it could be 48.123" in guess for guess in guesses)
    assert any("(in preis)" in guess for guess in guesses)


def test_a_writing_that_reads_nothing_more_is_not_named(tmp_path: Path) -> None:
    days = [f"{1 + n % 28:02d}.{1 + n % 12:02d}.2020" for n in range(300)]
    text = "at,n\n" + "".join(f"{day},1\n" for day in [*days, "2020-01-31", "2020-02-01"])
    _, [guess] = detect_format(written(tmp_path, text))
    assert "written in several ways, %d.%m.%Y (84), ISO (2). Write" in guess


def test_years_of_two_digits_that_would_be_in_the_future_stay_text_and_that_is_said(tmp_path: Path) -> None:
    format_, [guess] = detect_format(written(tmp_path, "born;n\n31.01.40;1\n01.02.85;2\n"))
    assert format_.times == {}
    assert "'born' is taken for text" in guess
    assert "'31.01.40' would be in 2040, not in 1940" in guess


@pytest.mark.parametrize(
    "name", ["date", "order_date", "Datum", "orderDate", "DAY", "dt", "date_key", "2_date"]
)
def test_whole_numbers_that_are_days_by_name_and_value_are_times_and_that_is_said(
    tmp_path: Path, name: str
) -> None:
    text = f"{name},n\n20200131,1\n20200201,2\n"
    format_, [guess] = detect_format(written(tmp_path, text))
    assert format_.times == {name: "%Y%m%d"}
    assert f"'{name}': 20200131 is taken for the day 2020-01-31, by the name of the column" in guess
    assert scan_table(tmp_path / "a.csv", format_, 5).column(name).type is ColumnType.TIMESTAMP


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".xlsx"])
def test_days_written_as_numbers_are_times_in_files_with_types_too(tmp_path: Path, suffix: str) -> None:
    rows, path = pd.DataFrame({"date": [20200131, 20200201], "n": [1, 2]}), tmp_path / f"a{suffix}"
    match suffix:
        case ".parquet":
            rows.to_parquet(path)
        case ".xlsx":
            rows.to_excel(path, index=False)
        case _:
            rows.to_json(path, orient="records", lines=True)
    format_, _ = detect_format(path)
    scan = scan_table(path, format_, 5)
    assert scan.column("date").type is ColumnType.TIMESTAMP
    assert scan.sample["date"].tolist()[0] == pd.Timestamp("2020-01-31", tz="UTC")


@pytest.mark.parametrize("text", ["amount,n\n20200131,1\n20200201,2\n", "date,n\n20200131,1\n20201301,2\n"])
def test_other_whole_numbers_stay_numbers(tmp_path: Path, text: str) -> None:
    assert detect_format(written(tmp_path, text)) == (FormatSection(), ())


def test_only_errors_of_the_sheet_that_is_read_are_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("Other")
    assert first is not None
    for sheet, errors in ((first, 1), (second, 3)):
        for row in (["a", "b"], [1, 2], *[[n, "#DIV/0!"] for n in range(errors)]):
            sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    guesses = detect_format(tmp_path / "a.xlsx")[1]
    assert any(guess.startswith("1 cell ") for guess in guesses)
