"""Is a file that is no table refused with what was found, where, and what to do?"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from millrace.adapters.tables import (
    TableNotFoundError,
    UnreadableTableError,
    detect_format,
    scan_table,
)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def looked_at(path: Path) -> None:
    format_, _ = detect_format(path)
    scan_table(path, format_, 10)


def content(value: bytes | str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(value.encode() if isinstance(value, str) else value)


def with_merged_names(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["a", None, "c"], [1, 2, 3], [4, 5, 6]):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    book.save(path)


CASES: list[tuple[str, str, Callable[[Path], object]]] = [
    ("empty.csv", "it holds 0 bytes", content("")),
    ("names.csv", "it has the names of columns and no rows", content("a,b\n")),
    ("twice.csv", "these columns stand in it more than once: a", content("a,b,a\n1,2,3\n")),
    ("blanks.csv", r"more than once: a \(their names differ by blanks around them only\)",
     content("a,a ,b\n1,2,3\n")),
    ("index.csv", r"column 1 of 3 has no name.*pandas: index=False", content(",a,b\n0,1,2\n")),
    ("quote.csv", "has a quotation mark, a backslash or a control character", content('"a""b",c\n1,2\n')),
    ("mixed.csv", r"it mixes encodings: line 4 is not UTF-8 \(byte 15\), line 3 is",
     content("a,b\nx,1\nmü,1\n".encode() + "lä,2\n".encode("latin-1") * 3 + "mü,1\n".encode() * 3)),
    ("ragged.csv", "line 3 has 1 value, the first line 2: '3'", content("a,b\n1,2\n3\n" + "4,5\n" * 30)),
    ("wide.csv", "line 2 has 3 values, the first line 2", content("a,b\n1,2,3\n" + "4,5\n" * 30)),
    ("headless.csv", "its first line has values, no names of columns: '5.1', '3', 'x'",
     content("5.1,3,x\n4.9,2,y\n")),
    ("words.csv", "its first line has values, no names", content("p,x\ne,y\n" * 20)),
    ("open.csv", "line 3 has a quotation mark that is ne?o?v?t?e?r? ?closed",
     content('a,b\n1,2\n"3,4\n' + "5,6\n" * 300_000)),
    ("long.csv", "line 3 is longer than 2,097,152 bytes", content("a,b\n1,2\n" + "x" * 20_000_000)),
    ("nul.csv", r"byte 9, in line 3, is NUL", content("a,b\n1,2\n3\0,4\n")),
    ("rubbish.csv", "is NUL", content(bytes(range(256)) * 40)),
    ("image.csv", "it is a PNG image", content(b"\x89PNG\r\n\x1a\n" + b"x" * 90)),
    ("page.csv", "it is a web page", content("<!DOCTYPE html><html></html>")),
    ("secret.xlsx", "it is protected by a password",
     content(OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600)),
    ("cut.xlsx", "it is no Excel file that can be read", content(b"PK\x03\x04" + b"x" * 90)),
    ("nothing.xlsx", "no sheet of it has a table: 'Sheet'", lambda path: openpyxl.Workbook().save(path)),
    ("values.xlsx", "row 1 has values, no names of columns: '5'",
     lambda path: pd.DataFrame([[5, "x"], [6, "y"]]).to_excel(path, index=False, header=False)),
    ("merged.xlsx", "the cells A1:B1 of sheet 'Sheet' are merged", with_merged_names),
    ("nested.parquet", "column 'b' holds values of type list",
     lambda path: pd.DataFrame({"a": [1], "b": [[1, 2]]}).to_parquet(path)),
    ("binary.parquet", "column 'b' holds values of type binary",
     lambda path: pd.DataFrame({"b": [b"x"]}).to_parquet(path)),
    ("cut.parquet", "magic bytes not found", content(b"PAR1" + b"x" * 90)),
    ("array.json", "it is one JSON document", content('[\n{"a": 1},\n{"a": 2}\n]\n')),
    ("broken.jsonl", "line 2 is no JSON", content('{"a": 1}\n{"a":\n')),
    ("values.jsonl", "line 2 is no object: '3'", content('{"a": 1}\n3\n')),
    ("nested.jsonl", "column 'a' holds an object", content('{"a": {"b": 1}}\n')),
    ("cut.csv.gz", "no whole gzip file", content(b"\x1f\x8b\x08")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "message", "write"), CASES, ids=[case[0] for case in CASES])
def test_what_is_no_table_is_refused_with_what_was_found(
    tmp_path: Path, name: str, message: str, write: Callable[[Path], object]
) -> None:
    write(tmp_path / name)
    with pytest.raises(UnreadableTableError, match=message) as caught:
        looked_at(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_path_is_refused_with_the_names_that_are_near(tmp_path: Path) -> None:
    (tmp_path / "churn_2020.csv").write_text("a\n1\n")
    with pytest.raises(TableNotFoundError, match=r"no such file; did you mean churn_2020\.csv\?"):
        looked_at(tmp_path / "churn2020.csv")
    with pytest.raises(TableNotFoundError, match=r"it is a folder; did you mean .*churn_2020\.csv\?"):
        looked_at(tmp_path)
    with pytest.raises(TableNotFoundError, match="no such folder"):
        looked_at(tmp_path / "nowhere" / "churn.csv")


LONG = """
import resource, sys
from pathlib import Path
import pandas, pyarrow.csv, pyarrow.compute, pyarrow.parquet
from millrace.adapters.tables import UnreadableTableError, detect_format, scan_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    detect_format(Path(sys.argv[1]))
except UnreadableTableError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_line_of_100_megabytes_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"a,b\n1,2\n" + b"x" * 100_000_000 + b",2\n")
    done = subprocess.run([sys.executable, "-c", LONG, str(path)], capture_output=True, text=True, check=True)
    message, kilobytes = done.stdout.splitlines()
    assert "line 3 is longer than 2,097,152 bytes" in message
    assert int(kilobytes) < 90_000


def test_a_nested_value_of_json_lines_is_named_by_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": [2]}\n')
    with pytest.raises(UnreadableTableError, match=r"column 'a' holds a list, first in row 2\. "):
        detect_format(path)
