"""Which files are tables, by their names?"""

from enum import StrEnum
from pathlib import PurePath


class FileKind(StrEnum):
    """How a table is laid down in a file."""

    TEXT = "text"
    """A line a row, its values between delimiters."""
    LINES = "JSON lines"
    PARQUET = "parquet"
    SHEET = "Excel"


KINDS = {
    ".csv": FileKind.TEXT,
    ".tsv": FileKind.TEXT,
    ".txt": FileKind.TEXT,
    ".jsonl": FileKind.LINES,
    ".ndjson": FileKind.LINES,
    ".json": FileKind.LINES,
    ".parquet": FileKind.PARQUET,
    ".xlsx": FileKind.SHEET,
    ".xlsm": FileKind.SHEET,
    ".xls": FileKind.SHEET,
    ".ods": FileKind.SHEET,
}
"""The suffixes that are read."""

COMPRESSED = ".gz"

SUFFIXES = (
    *KINDS,
    *(suffix + COMPRESSED for suffix, kind in KINDS.items() if kind in (FileKind.TEXT, FileKind.LINES)),
)
"""Every ending of a name that is read, a compressed text's too."""


def table_suffix(name: str) -> str:
    """Return what the name of a table ends in, in lower case.

    >>> table_suffix("May 2013.CSV"), table_suffix("may.csv.gz"), table_suffix("may.v2.tar.gz")
    ('.csv', '.csv.gz', '.gz')
    """
    ends = [suffix.lower() for suffix in PurePath(name).suffixes]
    if ends[-1:] == [COMPRESSED] and "".join(ends[-2:]) in SUFFIXES:
        return "".join(ends[-2:])
    return ends[-1] if ends else ""


def kind_by_name(name: str) -> FileKind | None:
    """Return how a file of this name is laid down, None where the name does not say."""
    return KINDS.get(table_suffix(name).removesuffix(COMPRESSED))
