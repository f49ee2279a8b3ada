"""How is a table written that nobody has described yet?"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.tables.encoding import find_encoding
from millrace.adapters.tables.excel import cell_range, count_errors, find_table
from millrace.adapters.tables.file_kind import find_file, find_kind
from millrace.adapters.tables.layout import find_layout
from millrace.adapters.tables.marks import FoundMarks, are_numbers, find_marks
from millrace.adapters.tables.names import list_trimmed, refuse_unspellable
from millrace.adapters.tables.parquet import refuse_nested
from millrace.adapters.tables.reading import read_batches
from millrace.adapters.tables.time_formats import FoundTimes, find_day_numbers, find_times
from millrace.adapters.tables.value_kind import NULL_WORDS
from millrace.domain.config import FormatSection
from millrace.domain.table_file import FileKind

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE_BYTES = 16 << 20
_MAX_DISTINCT = 5_000
_MAX_DOUBTFUL = 200_000
"""A column that the start does not decide is read to its end."""


def detect_format(path: Path) -> tuple[FormatSection, tuple[str, ...]]:
    """Return how a table is written, and the sentences about what was guessed.

    Null words are found by `scan_table`, which reads to the end.

    Raises
    ------
    TableNotFoundError, UnreadableTableError
        If there is no such table.
    """
    find_file(path)
    match find_kind(path):
        case FileKind.TEXT:
            format_, guesses = _detect_text(path)
        case FileKind.SHEET:
            format_, guesses = _detect_sheet(path)
        case FileKind.LINES:
            encoding, guesses = find_encoding(path)
            format_ = FormatSection(encoding=encoding)
        case FileKind.PARQUET:
            format_, guesses = FormatSection(), []
    return _detect_values(path, format_, guesses)


def _detect_text(path: Path) -> tuple[FormatSection, list[str]]:
    encoding, guesses = find_encoding(path)
    layout = find_layout(path, encoding)
    trimmed = list_trimmed(layout.rows[0])
    return FormatSection(encoding=encoding, delimiter=layout.delimiter), guesses + (
        [trimmed] if trimmed else []
    )


def _detect_sheet(path: Path) -> tuple[FormatSection, list[str]]:
    table = find_table(path, None)
    name, guesses = table.sheet.name, []
    if table.header > 0:
        guesses.append(
            f"the table of sheet {name!r} begins in row {table.header + 1:,}: what is above is left out"
        )
    if not table.is_first:
        guesses.append(f"sheet {name!r} is read, the first with a table: `sheet` in [data.format] says so")
    if table.filled:
        ranges = ", ".join(map(cell_range, table.filled[:3]))
        guesses.append(f"merged cells ({ranges}) of sheet {name!r}: each row of them has their value")
    if errors := count_errors(path, name):
        has = "1 cell has an error" if errors == 1 else f"{errors:,} cells have errors"
        guesses.append(f"{has} such as #DIV/0!: nothing is there")
    return FormatSection(sheet=None if table.is_first else name), guesses


def _detect_values(
    path: Path, format_: FormatSection, guesses: list[str]
) -> tuple[FormatSection, tuple[str, ...]]:
    columns = _distinct_texts(path, format_, _SAMPLE_BYTES)
    marks, times = _look_at_values(path, format_, columns)
    if doubtful := {*marks.doubtful, *times.doubtful}:
        columns |= _distinct_texts(path, format_, None, doubtful)
        marks, times = _look_at_values(path, format_, columns)
    decimal, thousands = marks.marks
    found = {"decimal": decimal, "thousands": thousands, "times": times.times}
    values = FormatSection.model_validate(format_.model_dump() | found)
    return values, (*guesses, *marks.guesses, *times.guesses)


def _look_at_values(
    path: Path, format_: FormatSection, columns: "dict[str, pa.Array]"
) -> tuple[FoundMarks, FoundTimes]:
    is_typed = find_kind(path) in (FileKind.PARQUET, FileKind.LINES)
    marks = find_marks({} if is_typed else columns, format_.delimiter)
    days = find_day_numbers(columns)
    others = {name: texts for name, texts in columns.items() if not are_numbers(texts, *marks.marks)}
    times = find_times(others, format_.delimiter, marks.marks[0])
    return marks, FoundTimes(times.times | days.times, times.guesses + days.guesses, times.doubtful)


def _distinct_texts(
    path: Path, format_: FormatSection, first_bytes: int | None, names: Collection[str] | None = None
) -> "dict[str, pa.Array]":
    """The different texts of each column, without those that mean nothing, from the start or all of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held: dict[str, pa.Array] = {}
    most = _MAX_DISTINCT if names is None else _MAX_DOUBTFUL
    size = 0
    for batch in read_batches(path, format_):
        refuse_unspellable(path, batch.schema.names)
        refuse_nested(path, batch.schema)
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            is_wanted = names is None or name in names
            if pa.types.is_integer(values.type):
                values = values.cast(pa.string())  # noqa: PLW2901 - 20200131 may be a day
            if is_wanted and pa.types.is_string(values.type) and len(held.get(name, ())) < most:
                texts = pa.concat_arrays([held[name], values]) if name in held else values
                held[name] = texts.unique().drop_null()
        size += batch.nbytes
        if first_bytes is not None and size > first_bytes:
            break
    words = pa.array(NULL_WORDS)
    return {name: texts.filter(pc.invert(pc.is_in(texts, value_set=words))) for name, texts in held.items()}
