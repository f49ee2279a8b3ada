"""What is in a table, read to its end once?"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.tables.column_tally import ColumnTally
from millrace.adapters.tables.errors import UnreadableTableError
from millrace.adapters.tables.file_kind import find_file, find_kind
from millrace.adapters.tables.names import refuse_unspellable
from millrace.adapters.tables.parquet import refuse_nested
from millrace.adapters.tables.reading import read_batches
from millrace.adapters.tables.row_sample import RowSample
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.listing import name_some
from millrace.domain.table_file import FileKind
from millrace.domain.table_scan import TableScan

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK_BYTES = 48 << 20
_CHUNK_ROWS = 131_072
_SHOWN = 5


def scan_table(path: Path, format_: FormatSection, sample_rows: int) -> TableScan:
    """Read a table to its end once, in bounded memory; its format has the nulls that were found too.

    Raises
    ------
    TableNotFoundError, UnreadableTableError
        If there is no such table, or it has no rows.
    """
    find_file(path)
    is_typed = find_kind(path) in (FileKind.PARQUET, FileKind.LINES)
    batches = _checked(path, read_batches(path, format_, _CHUNK_ROWS))
    scan = scan_batches(batches, format_, sample_rows, is_typed=is_typed)
    if scan is None:
        raise UnreadableTableError(
            path, "it has the names of columns and no rows", "Rows are needed to learn from"
        )
    return scan


def scan_batches(
    batches: "Iterable[pa.RecordBatch]", format_: FormatSection, sample_rows: int, *, is_typed: bool
) -> TableScan | None:
    """Read batches of the same columns to their end once; None where they have no rows."""
    tallies: list[ColumnTally] = []
    sample = RowSample(sample_rows)
    with ThreadPoolExecutor() as threads:
        for chunk in _chunks(batches):
            if not tallies:
                tallies = [ColumnTally(name, format_, is_typed=is_typed) for name in chunk.schema.names]
            sample.add(chunk)
            list(threads.map(ColumnTally.add, tallies, chunk.columns))
    return _finish(tallies, format_, sample) if sample.seen else None


def _checked(path: Path, batches: "Iterable[pa.RecordBatch]") -> Iterator["pa.RecordBatch"]:
    for number, batch in enumerate(batches):
        if number == 0:
            refuse_unspellable(path, batch.schema.names)
            refuse_nested(path, batch.schema)
        yield batch


def _chunks(batches: "Iterable[pa.RecordBatch]") -> Iterator["pa.RecordBatch"]:
    """Larger pieces than the readers': each costs every column a look."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        if held and (_is_full(held) or batch.schema != held[0].schema):
            yield pa.concat_batches(held)
            held = []
        held.append(batch)
    if held:
        yield pa.concat_batches(held)


def _is_full(held: "list[pa.RecordBatch]") -> bool:
    rows, size = sum(batch.num_rows for batch in held), sum(batch.nbytes for batch in held)
    return bool(rows >= _CHUNK_ROWS or size >= _CHUNK_BYTES)


def _finish(tallies: list[ColumnTally], format_: FormatSection, sample: RowSample) -> TableScan:
    words = {word for tally in tallies for word in tally.null_words()}
    nulls = tuple(dict.fromkeys((*format_.nulls, *sorted(words))))
    columns = tuple(tally.finish(frozenset(nulls)) for tally in tallies)
    texts = {column.name for column in columns if column.type is ColumnType.STRING}
    times = {name: form for name, form in format_.times.items() if name not in texts}
    told = tuple(dict.fromkeys(" " if word.isspace() else word for word in nulls))
    found = format_.model_copy(update={"nulls": told, "times": times})
    notes = [note for tally in tallies for note in tally.list_notes()]
    if words:
        notes.insert(0, tell_nulls(words, tallies))
    return TableScan(sample.seen, columns, found, sample.to_frame(columns, found), tuple(notes))


def tell_nulls(words: set[str], tallies: list[ColumnTally]) -> str:
    """Say which words were taken for nothing, and where."""
    shown = ", ".join(repr(word) for word in sorted(words))
    columns = [tally.name for tally in tallies if words & tally.null_words()]
    mean = "means" if len(words) == 1 else "mean"
    where = name_some(columns, _SHOWN)
    return f"{shown} {mean} that nothing is there (in {where}): `nulls` in [data.format] says so"
