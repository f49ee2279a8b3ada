"""Is a table read as it is written, chunk by chunk, whatever kind of file it is in?"""

import gzip
import json
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.adapters.tables import UnreadableTableError, read_table
from millrace.adapters.tables.text_stream import open_text
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType

ROWS = pd.DataFrame({"id": range(1_000), "x": np.arange(1_000) / 3, "word": ["a", "ü"] * 500})
GERMAN = FormatSection(
    delimiter=";", encoding="cp1252", decimal=",", thousands=".", nulls=("-",), times={"am": "%d.%m.%Y %H:%M"}
)
TYPES = {
    "ort": ColumnType.STRING,
    "preis": ColumnType.FLOAT,
    "zahl": ColumnType.INT,
    "am": ColumnType.TIMESTAMP,
}


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "january.parquet"
    ROWS.to_parquet(path)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def whole(
    path: Path, format_: FormatSection | None = None, types: dict[str, ColumnType] | None = None
) -> pd.DataFrame:
    return pd.concat(read_table(path, format_ or FormatSection(), types), ignore_index=True)


def test_parquet_is_read_in_chunks_of_the_wanted_size(parquet: Path) -> None:
    chunks = list(read_table(parquet, chunk_rows=300))
    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), ROWS)


def test_an_index_that_pandas_stored_stays_a_column(tmp_path: Path) -> None:
    ROWS.set_index("word").to_parquet(tmp_path / "indexed.parquet")
    chunk = next(read_table(tmp_path / "indexed.parquet"))
    assert sorted(chunk.columns) == ["id", "word", "x"]


def test_csv_values_are_text_and_empty_ones_null(tmp_path: Path) -> None:
    path = written(tmp_path / "b.csv", b'id,word\n007,NA\n,"two\nlines"\n')
    chunk = pd.concat(read_table(path, chunk_rows=1), ignore_index=True)
    assert chunk["id"].tolist()[0] == "007"
    assert chunk["id"].isna().tolist() == [False, True]
    assert chunk["word"].tolist() == ["NA", "two\nlines"]


@pytest.mark.parametrize("name", ["empty.parquet", "empty.csv"])
def test_a_table_without_rows_still_shows_its_columns(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("id,x,word\n")
    else:
        ROWS.iloc[:0].to_parquet(path)
    (chunk,) = read_table(path)
    assert list(chunk.columns) == ["id", "x", "word"]
    assert len(chunk) == 0


@pytest.mark.parametrize("name", ["nothing.parquet", "nothing.csv"])
def test_a_file_of_0_bytes_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableTableError, match=f"{name}: it holds 0 bytes"):
        list(read_table(written(tmp_path / name, b"")))


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_parquet_without_its_end_is_refused(parquet: Path, kept: float) -> None:
    content = parquet.read_bytes()
    parquet.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableTableError, match="magic bytes not found in footer"):
        list(read_table(parquet))


def test_parquet_whose_middle_is_gone_is_refused(parquet: Path) -> None:
    content = parquet.read_bytes()
    parquet.write_bytes(content[:100] + content[2_000:])
    with pytest.raises(UnreadableTableError, match=r"january\.parquet: ") as caught:
        list(read_table(parquet))
    assert "\n" not in str(caught.value)


def test_csv_that_is_not_utf8_is_refused_with_the_place_of_the_first_bad_byte(tmp_path: Path) -> None:
    content = b"word\n" + "müde\n".encode() * 200_001 + "müde\n".encode("latin-1")
    with pytest.raises(
        UnreadableTableError, match=f"it is not UTF-8 at byte {5 + 6 * 200_001 + 1}, in line 200,003"
    ):
        list(read_table(written(tmp_path / "latin.csv", content)))


def test_csv_that_ends_within_a_character_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTableError, match="it is not UTF-8 at byte 6"):
        list(read_table(written(tmp_path / "cut.csv", b"word\nm\xc3")))


@pytest.mark.parametrize("row", ["1,2,3", "1"])
def test_a_csv_row_with_too_many_or_too_few_values_is_refused(tmp_path: Path, row: str) -> None:
    path = written(tmp_path / "ragged.csv", f"a,b\n1,2\n{row}\n".encode())
    with pytest.raises(UnreadableTableError, match=r"line 3 has [13] values?, the first line 2"):
        list(read_table(path))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTableError, match="these columns stand in it more than once: a"):
        list(read_table(written(tmp_path / "twice.csv", b"a,a\n1,2\n")))


def test_numbers_and_times_are_read_by_the_format_and_texts_are_left_alone(tmp_path: Path) -> None:
    text = "ort;preis;zahl;am\nKöln 1.234,5;1.234,56;1.000;31.01.2020 12:30\n1,5;-;2;01.02.2020 00:00\n"
    rows = whole(written(tmp_path / "a.csv", text.encode("cp1252")), GERMAN, TYPES)
    assert rows["ort"].tolist() == ["Köln 1.234,5", "1,5"]
    assert rows["preis"].tolist()[0] == "1234.56"
    assert rows["preis"].isna().tolist() == [False, True]
    assert rows["zahl"].tolist() == ["1000", "2"]
    assert rows["am"].tolist() == [
        pd.Timestamp("2020-01-31 12:30", tz="UTC"), pd.Timestamp("2020-02-01", tz="UTC"),
    ]  # fmt: skip


def test_what_is_a_number_only_elsewhere_does_not_pass_for_one(tmp_path: Path) -> None:
    text = "ort;preis;zahl;am\nA;1.5;1.00;2020-01-31\n"
    rows = whole(written(tmp_path / "a.csv", text.encode()), GERMAN, TYPES)
    assert rows.loc[0].tolist() == [
        "A", "1.5 [decimal is ',']", "1.00 [decimal is ',']", "2020-01-31 [not %d.%m.%Y %H:%M]",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", [" ", "\u00a0", "\u202f"])
def test_blanks_that_do_not_break_set_thousands_apart_too(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path / "a.csv", f"x;y\n1{mark}234,5;1\n".encode())
    format_ = FormatSection(delimiter=";", decimal=",", thousands=" ")
    assert whole(path, format_, {"x": ColumnType.FLOAT})["x"].tolist() == ["1234.5"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis"])
def test_any_encoding_is_read_whatever_piece_a_character_is_cut_by(tmp_path: Path, encoding: str) -> None:
    words = ["日本", "円"] if encoding == "shift_jis" else ["müde", "ß"]
    text = "word,n\n" + "".join(f"{words[n % 2]},{n}\n" for n in range(200_000))
    rows = whole(written(tmp_path / "a.csv", text.encode(encoding)), FormatSection(encoding=encoding))
    assert list(rows.columns) == ["word", "n"]
    assert rows["word"].tolist() == words * 100_000


def test_a_compressed_text_is_read_as_the_text_in_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    assert whole(path).to_dict("list") == {"a": ["1"], "b": ["2"]}
    with pytest.raises(UnreadableTableError, match=r"a\.csv\.gz: "):
        whole(written(path, path.read_bytes()[:-9]))


def test_other_encodings_are_decoded_in_a_stream(tmp_path: Path) -> None:
    path = written(tmp_path / "large.csv", "müde,15\n".encode("cp1252") * 4_000_000)
    tracemalloc.start()
    with open_text(path, "cp1252") as text:
        size = sum(len(piece) for piece in iter(lambda: text.read(1 << 20), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 36_000_000
    assert peak < 12_000_000


def test_json_lines_keep_their_types_and_may_lack_names(tmp_path: Path) -> None:
    lines = [{"id": 1, "word": "a"}, {"id": 2, "ok": True}, {}, {"id": 3, "word": "b", "x": 1.5}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n\n".join(json.dumps(line) for line in lines))
    rows = whole(path)
    assert list(rows.columns) == ["id", "word", "ok", "x"]
    assert rows["word"].isna().tolist() == [False, True, True, False]
    assert rows["x"].tolist()[3] == 1.5


def test_a_name_that_comes_late_in_json_lines_is_a_column_from_the_first_row_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"a": "' + "x" * 90 + '"}\n' * 1 + ('{"a": "' + "y" * 90 + '"}\n') * 120_000 + '{"b": 1}\n'
    )
    chunks = list(read_table(path))
    assert len(chunks) > 1
    assert all(list(chunk.columns) == ["a", "b"] for chunk in chunks)


@pytest.mark.parametrize("suffix", [".jsonl", ".xlsx"])
def test_numbers_in_a_column_of_texts_are_texts_where_the_file_has_no_other_codes(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".jsonl":
        path.write_text('{"code": 94110, "n": 1}\n{"code": "A7", "n": 2.5}\n')
    else:
        pd.DataFrame({"code": [94110, "A7"], "n": [1, 2.5]}).to_excel(path, index=False)
    rows = whole(path, None, {"code": ColumnType.STRING, "n": ColumnType.FLOAT})
    assert rows["code"].tolist() == ["94110", "A7"]
    assert rows["n"].tolist() == [1.0, 2.5]


def test_a_sheet_is_read_from_its_row_of_names_on_and_merged_cells_are_filled(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    moment = datetime.fromisoformat("2020-01-02T03:00")
    rows = [
        ["Report of May"], [], ["shop", "when", "sold"], ["north", moment, 5],
        [None, moment + timedelta(days=1), None], [], ["south", moment + timedelta(days=2), 7.5],
    ]  # fmt: skip
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A4:A5")
    book.save(tmp_path / "a.xlsx")
    found = whole(tmp_path / "a.xlsx")
    assert found["shop"].tolist() == ["north", "north", "south"]
    assert found["when"].tolist()[0] == pd.Timestamp("2020-01-02 03:00")
    assert found["sold"].fillna(-1).tolist() == [5.0, -1.0, 7.5]


def test_the_sheet_that_is_named_is_read(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "a.xlsx") as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="One", index=False)
        pd.DataFrame({"b": [2]}).to_excel(writer, sheet_name="Two", index=False)
    assert list(whole(tmp_path / "a.xlsx").columns) == ["a"]
    assert list(whole(tmp_path / "a.xlsx", FormatSection(sheet="Two")).columns) == ["b"]
    with pytest.raises(UnreadableTableError, match="it has no sheet 'Three', it has 'One', 'Two'"):
        whole(tmp_path / "a.xlsx", FormatSection(sheet="Three"))


def test_dictionaries_of_parquet_are_read_by_the_format(tmp_path: Path) -> None:
    table = pa.table({"am": pa.array(["31.01.2020 10:00", "-"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = whole(tmp_path / "a.parquet", GERMAN, TYPES)
    assert rows["am"].isna().tolist() == [False, True]
    assert rows["am"][0] == pd.Timestamp("2020-01-31 10:00", tz="UTC")


def test_words_for_nothing_hold_among_numbers_and_times_and_only_sure_ones_among_texts(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "a.csv", b"garage,area\nnone,none\nNULL,NULL\n,5\n-,\n")
    format_ = FormatSection(nulls=("none", "NULL", "-"))
    rows = whole(path, format_, {"garage": ColumnType.STRING, "area": ColumnType.INT})
    assert rows["garage"].fillna("(null)").tolist() == ["none", "(null)", "(null)", "-"]
    assert rows["area"].isna().tolist() == [True, True, False, True]


def test_identifiers_of_parquet_beyond_int64_are_read_as_texts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ort": pa.array([1, 2**64 - 1], pa.uint64())}), tmp_path / "a.parquet")
    assert whole(tmp_path / "a.parquet", None, TYPES)["ort"].tolist() == ["1", str(2**64 - 1)]


def test_blanks_around_names_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a , größe m \n1,2\n".encode())
    assert list(whole(path).columns) == ["a", "größe m"]
