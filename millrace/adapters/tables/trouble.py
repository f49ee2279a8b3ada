"""What exactly is wrong with a text file that could not be read, and on which line?"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from millrace.adapters.tables.text_stream import (
    PIECE_BYTES,
    NotInEncodingError,
    encoding_name,
    open_bytes,
    open_text,
)
from millrace.domain.config import FormatSection

LINE_BYTES = 2 << 20
"""A longer line, or a quoted value that is longer, is no row."""
_SHOWN = 60


def find_text_trouble(path: Path, format_: FormatSection, error: Exception) -> tuple[str, str]:
    """Return what was found and what to do about it, after the reader gave up with `error`."""
    try:
        with open_text(path, format_.encoding) as text:
            return _look(text, format_.delimiter) or (_one_line(error), "")
    except NotInEncodingError as wrong:
        other = 'Its encoding is said by encoding in [data.format], such as "cp1252"'
        return _with_line(path, wrong), other
    except (OSError, EOFError) as broken:
        return _one_line(broken), ""


def _with_line(path: Path, wrong: NotInEncodingError) -> str:
    line, left = 1, wrong.position
    with open_bytes(path) as file:
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            line, left = line + piece.count(b"\n"), left - len(piece)
    return f"it is not {encoding_name(wrong.encoding)} at byte {wrong.position}, in line {line:,}"


def _one_line(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip().rstrip(".")
    return text.removeprefix("CSV parse error: ") or type(error).__name__


@dataclass
class _Row:
    """The line that a row starts on, and what was read of it."""

    start: int = 1
    values: list[str] = field(default_factory=list)


def _look(text: IO[bytes], delimiter: str) -> tuple[str, str] | None:
    csv.field_size_limit(LINE_BYTES)
    rows = csv.reader(_lines(text), delimiter=delimiter)
    wanted, row = 0, _Row()
    try:
        while True:
            row = _Row(rows.line_num + 1)
            row.values = next(rows)
            wanted = wanted or len(row.values)
            if row.values and len(row.values) != wanted:
                return _ragged(row, wanted, delimiter)
    except StopIteration:
        return None
    except _LongLineError as error:
        return f"line {error.line:,} is longer than {LINE_BYTES:,} bytes", _SHORTER
    except csv.Error:
        return f"line {row.start:,} has a quotation mark that is never closed", _QUOTES


_SHORTER = "A table has a row a line: look for missing line ends, or take such texts out"
_QUOTES = "A value with a quotation mark in it is written in quotation marks, with the mark doubled"


def _ragged(row: _Row, wanted: int, delimiter: str) -> tuple[str, str]:
    shown = delimiter.join(row.values)
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
    if "\n" in shown:
        return f"line {row.start:,} has a quotation mark that is not closed in its row", _QUOTES
    values = "1 value" if len(row.values) == 1 else f"{len(row.values):,} values"
    found = f"line {row.start:,} has {values}, the first line {wanted:,}: {shown!r}"
    return found, "The first line is to have the names of the columns, each other one a value for each"


class _LongLineError(Exception):
    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


def _lines(text: IO[bytes]) -> Iterator[str]:
    number = 0
    while piece := text.readline(LINE_BYTES):
        number += 1
        if len(piece) >= LINE_BYTES:
            raise _LongLineError(number)
        yield piece.decode()
