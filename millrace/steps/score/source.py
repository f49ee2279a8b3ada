"""Which rows are to be answered, and where do they stand?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.batches import digest_of_file
from millrace.adapters.sql_source import SqlAddress, SqlDatabase
from millrace.adapters.tables.file_kind import find_file
from millrace.adapters.tables.reading import PLAIN_FORMAT, read_batches, respell_column
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.steps.progress import announce

if TYPE_CHECKING:
    import pyarrow as pa

_ASKED, _ROWS = "asked.txt", "rows.parquet"


class InputChangedError(MillraceError):
    """The input was written to while it was read: what came out is of no one input."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}: changed while it was scored. Nothing was written; the same command begins anew"
        )


@dataclass(frozen=True)
class ScoreInput:
    """A file of rows, known by its bytes; `name` is what people call it."""

    path: Path
    name: str
    digest: str
    marks: tuple[int, int]
    format: FormatSection

    @classmethod
    def of_file(cls, path: Path, name: str, format_: FormatSection) -> "ScoreInput":
        find_file(path)
        marks = _marks_of(path)
        announce("hash the input")
        return cls(path, name, digest_of_file(path), marks, format_)

    @property
    def rows(self) -> int:
        """How many rows it has, 0 where that is known only at its end."""
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self.path).num_rows) if self.path.suffix.lower() == ".parquet" else 0

    def ensure_unchanged(self) -> None:
        """Refuse an input that is not, as far as the file system tells, the one that was hashed."""
        if _marks_of(self.path) != self.marks:
            raise InputChangedError(self.path)

    def chunks(self, rows: int, types: dict[str, ColumnType]) -> Iterator["pa.RecordBatch"]:
        """Yield the rows in order, `rows` in each chunk but the last; one without rows shows the columns."""
        import pyarrow as pa

        waiting: list[pa.RecordBatch] = []
        held, is_first = 0, True
        for batch in read_batches(self.path, self.format, rows):
            waiting, held = [*waiting, self._respelled(batch, types)], held + batch.num_rows
            while held >= rows:
                table = _joined(waiting)
                yield _to_batch(table.slice(0, rows))
                waiting, held, is_first = table.slice(rows).to_batches(), held - rows, False
        if held or is_first:
            yield _to_batch(_joined(waiting))

    def _respelled(self, batch: "pa.RecordBatch", types: dict[str, ColumnType]) -> "pa.RecordBatch":
        import pyarrow as pa

        if self.format == PLAIN_FORMAT:
            return batch
        names = batch.schema.names
        columns = [
            respell_column(name, values, self.format, types.get(name))
            for name, values in zip(names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=names)


def ask_for_rows(url: str, query: str, folder: Path) -> tuple[Path, bool]:
    """Write the rows of a query into `folder`, unless they are there; say whether they were."""
    database = SqlDatabase(SqlAddress(url, os.environ), query)
    asked, rows = folder / _ASKED, folder / _ROWS
    question = f"{database.address.place}\n{query}".encode()
    if rows.is_file() and asked.is_file() and asked.read_bytes() == question:
        return rows, True
    announce("ask the database")
    draft = rows.with_suffix(".draft")
    database.write_all(draft)
    replace_file(asked, question)
    draft.replace(rows)
    return rows, False


def _joined(batches: "list[pa.RecordBatch]") -> "pa.Table":
    import pyarrow as pa

    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive")


def _to_batch(table: "pa.Table") -> "pa.RecordBatch":
    import pyarrow as pa

    [*batches] = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _marks_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
