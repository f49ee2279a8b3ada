"""What kind of table file is it, by its first bytes or else its name?"""

from pathlib import Path

from millrace.adapters.tables.errors import TableNotFoundError, UnreadableTableError
from millrace.adapters.tables.text_stream import open_bytes, refuse_empty
from millrace.domain.table_file import FileKind, kind_by_name

_MARKS = (
    (b"PAR1", FileKind.PARQUET),
    (b"PK\x03\x04", FileKind.SHEET),
    (b"\xd0\xcf\x11\xe0", FileKind.SHEET),
)
_OTHERS = (
    (b"%PDF", "a PDF"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"SQLite format 3", "an SQLite database"), (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"ARROW1", "an Arrow file"), (b"7z\xbc\xaf", "a 7z archive"), (b"BZh", "a bzip2 archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"), (b"Rar!", "a RAR archive"),
    (b"<!DOCTYPE", "a web page"), (b"<html", "a web page"),
)  # fmt: skip


def find_kind(path: Path) -> FileKind:
    """Say how to read a file. Text that is named otherwise is a table with delimiters.

    Raises
    ------
    UnreadableTableError
        If its first bytes are those of something that is no table.
    """
    start = _first_bytes(path)
    for mark, kind in _MARKS:
        if start.startswith(mark):
            return kind
    for mark, what in _OTHERS:
        if start.startswith(mark):
            raise UnreadableTableError(path, f"it is {what}")
    named = kind_by_name(path.name)
    if named is not None:
        return named
    return FileKind.LINES if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b'{"') else FileKind.TEXT


def _first_bytes(path: Path) -> bytes:
    try:
        with open_bytes(path) as file:
            return file.read(16)
    except (OSError, EOFError) as error:
        raise UnreadableTableError(path, f"it is no whole gzip file: {error}") from error


def find_file(path: Path) -> Path:
    """Return the path of a file that is there and holds something.

    Raises
    ------
    TableNotFoundError
        With the names that are near.
    UnreadableTableError
        If it is empty.
    """
    from difflib import get_close_matches

    if path.is_dir():
        inside = sorted(one.name for one in path.iterdir() if kind_by_name(one.name))
        raise TableNotFoundError(path, "it is a folder", [str(path / name) for name in inside[:3]])
    if not path.is_file():
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        near = get_close_matches(path.name, beside, n=3, cutoff=0.6)
        found = "no such file" if path.parent.is_dir() else f"no such folder {path.parent}"
        raise TableNotFoundError(path, found, near)
    refuse_empty(path)
    return path
