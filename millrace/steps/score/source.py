"""Which rows are to be answered, and where do they stand?"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millrace.adapters.batches import digest_of_file
from millrace.adapters.score_folder import ScoreFolder
from millrace.adapters.sql_source import SqlAddress, SqlDatabase
from millrace.adapters.tables.file_kind import find_file, find_kind
from millrace.adapters.tables.parquet import refuse_nested
from millrace.adapters.tables.reading import PLAIN_FORMAT, read_batches, respell_column
from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType
from millrace.domain.table_file import FileKind
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.steps.progress import announce
from millrace.steps.score.columns import join_batches

if TYPE_CHECKING:
    import pyarrow as pa

_ASKED, _ROWS = "asked.json", "rows.parquet"
_UNTYPED = (FileKind.LINES, FileKind.SHEET)
"""Of these a piece of some megabytes has the types of its own values."""


class InputChangedError(MillraceError):
    """The input was written to while it was read: what came out is of no one input."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path}: changed while it was scored. Nothing was written; the same command begins anew"
        )


@dataclass(frozen=True)
class ScoreInput:
    """A file of rows, known by its bytes; `name` is what people call it.

    `asked` says when a database gave the rows, where a run before had asked for them.
    """

    path: Path
    name: str
    digest: str
    marks: tuple[int, int]
    format: FormatSection
    asked: datetime | None = None

    @classmethod
    def of_file(
        cls, path: Path, name: str, format_: FormatSection, asked: datetime | None = None
    ) -> "ScoreInput":
        find_file(path)
        marks = _marks_of(path)
        announce("hash the input")
        return cls(path, name, digest_of_file(path), marks, format_, asked)

    @property
    def rows(self) -> int:
        """How many rows it has, 0 where that is known only at its end."""
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self.path).num_rows) if find_kind(self.path) is FileKind.PARQUET else 0

    @property
    def is_uniform(self) -> bool:
        """Whether all chunks have the types of the file, and none those of its own values."""
        return find_kind(self.path) is FileKind.PARQUET and self.format == PLAIN_FORMAT

    def ensure_unchanged(self) -> None:
        """Refuse an input that is not, as far as the file system tells, the one that was hashed."""
        if _marks_of(self.path) != self.marks:
            raise InputChangedError(self.path)

    def chunks(self, rows: int, types: dict[str, ColumnType]) -> Iterator["pa.RecordBatch"]:
        """Yield the rows in order, `rows` in each chunk but the last; one without rows shows the columns."""
        waiting: list[pa.RecordBatch] = []
        names: pa.RecordBatch | None = None
        held, is_first = 0, True
        is_typed = find_kind(self.path) not in _UNTYPED
        texts = {name for name, type_ in types.items() if type_ is ColumnType.STRING}
        for batch in read_batches(self.path, self.format, rows, texts):
            if names is None:
                names = batch.slice(0, 0)
                refuse_nested(self.path, batch.schema, types)
            if not batch.num_rows:
                continue
            waiting, held = [*waiting, self._respelled(batch, types)], held + batch.num_rows
            while held >= rows:
                table = join_batches(waiting, is_typed=is_typed)
                yield _to_batch(table.slice(0, rows))
                waiting, held, is_first = table.slice(rows).to_batches(), held - rows, False
        if held:
            yield _to_batch(join_batches(waiting, is_typed=is_typed))
        elif is_first and names is not None:
            yield self._respelled(names, types)

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


def ask_for_rows(url: str, query: str, folder: ScoreFolder, now: datetime) -> tuple[Path, datetime | None]:
    """Write the rows of a query into the folder; say when they were asked for if that was before.

    A run before asked for them if it had the same query and finished a chunk: what it began goes on with
    the same rows. Otherwise the database is asked, and no chunk is left.
    """
    database = SqlDatabase(SqlAddress(url, os.environ), query)
    asked, rows = folder.path / _ASKED, folder.path / _ROWS
    question = {"place": database.address.place, "query": query}
    before = _read_asked(asked)
    if folder.has_chunks and rows.is_file() and before.get("question") == question:
        return rows, datetime.fromisoformat(before["at"])
    announce("ask the database")
    forget_rows(folder)
    folder.forget_chunks()
    draft = rows.with_suffix(".draft")
    database.write_all(draft)
    replace_file(asked, json.dumps({"question": question, "at": now.isoformat()}).encode())
    draft.replace(rows)
    return rows, None


def forget_rows(folder: ScoreFolder) -> None:
    """Remove the rows of a query, so that the database is asked again."""
    for name in (_ASKED, _ROWS):
        (folder.path / name).unlink(missing_ok=True)


def _read_asked(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError):
        return {}


def _to_batch(table: "pa.Table") -> "pa.RecordBatch":
    import pyarrow as pa

    [*batches] = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _marks_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
