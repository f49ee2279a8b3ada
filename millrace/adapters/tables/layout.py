"""Which character stands between the values, and are the names of the columns on the first line?"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.text_stream import open_text
from millrace.adapters.tables.trouble import LINE_BYTES

DELIMITERS = (",", ";", "\t", "|", " ")
_SAMPLE_CHARACTERS = 2 << 20
_SAMPLE_ROWS = 5_000
_MIN_SHARE = 0.9
_HALF = 0.5
_MANY_ROWS = 20
_NUMBER = re.compile(r"\s*[+-]?(\d[\d., ']*|[.,]\d+)([eE][+-]?\d+)?\s*%?")
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class Layout:
    """How the lines of a text are split, and the first of them."""

    delimiter: str
    rows: list[list[str]]


def find_layout(path: Path, encoding: str) -> Layout:
    """Find the delimiter by which nearly all lines have as many values as the first.

    Raises
    ------
    UnreadableTableError
        If the first line does not have the names of the columns.
    """
    text = _read_start(path, encoding)
    tried = [Layout(delimiter, _split(text, delimiter)) for delimiter in DELIMITERS]
    best = max(tried, key=_fit)
    if _fit(best) <= (0.0, 0):
        best = tried[0]
    _refuse_without_header(path, best)
    return best


def _read_start(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as stream:
        content = stream.read(_SAMPLE_CHARACTERS)
        is_whole = not stream.read(1)
    if not is_whole:
        content = content[: content.rfind(b"\n") + 1] or content
    return content.decode("utf-8-sig", errors="ignore")


def _split(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(LINE_BYTES)
    rows: list[list[str]] = []
    try:
        rows.extend(
            row
            for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _SAMPLE_ROWS)
            if row
        )
    except csv.Error:
        return rows
    return rows


def _fit(layout: Layout) -> tuple[float, int]:
    """The share of lines with as many values as the first, where that is nearly all; then how many."""
    if not layout.rows:
        return 0.0, 0
    wanted = len(layout.rows[0])
    share = sum(len(row) == wanted for row in layout.rows) / len(layout.rows)
    least = 1.0 if layout.delimiter == " " else _MIN_SHARE
    if wanted == 1 or share < least:
        return 0.0, 0
    return (0.5 if layout.delimiter == " " else 1.0), wanted


def _refuse_without_header(path: Path, layout: Layout) -> None:
    if not layout.rows or not any(cell.strip() for cell in layout.rows[0]):
        raise UnreadableTableError(path, "its first line is empty", _HEADER)
    header, below = layout.rows[0], [row for row in layout.rows[1:] if len(row) == len(layout.rows[0])]
    if below and (_names_are_values(header, below) or _names_recur(header, below)):
        shown = ", ".join(repr(cell) for cell in header[:5])
        raise UnreadableTableError(path, f"its first line has values, no names of columns: {shown}", _HEADER)


_HEADER = "The first line is to have the names of the columns: write them there"


def _names_are_values(header: Sequence[str], below: list[list[str]]) -> bool:
    """Say whether each column of numbers has a number for a name; wide tables have years for names."""
    numbers = [place for place in range(len(header)) if _are_numbers(row[place] for row in below)]
    names = [header[place] for place in numbers]
    if not names or not all(_is_value(name) for name in names):
        return False
    years = [bool(_YEAR.fullmatch(name.strip())) for name in names]
    return not (all(years) and len(set(names)) == len(names))


def _names_recur(header: Sequence[str], below: list[list[str]]) -> bool:
    """Say whether most names are values of their columns too."""
    recurring = [Counter(row[place] for row in below)[name] > 0 for place, name in enumerate(header)]
    return len(below) >= _MANY_ROWS and sum(recurring) > _HALF * len(header)


def _are_numbers(cells: Iterable[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(_is_value(cell) for cell in filled) >= _MIN_SHARE * len(filled)


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell))
