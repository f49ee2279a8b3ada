"""Where do the rows of closed segments lie, and how does a file of them get there whole?

`compacted/<model>/<day>/<stem>.<kind>.parquet`. A segment is removed after all its files are on disk: where
a segment still lies beside them, it is the truth and they do not count.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.adapters.prediction_log.layout import compacted_folder, list_days
from millrace.adapters.prediction_log.tables import Columns, Kind, Place, Schema, table_of
from millrace.durable import sync

PARTIAL = ".partial"


def path_of(folder: Path, place: Place, stem: str) -> Path:
    """Return the file of a segment's rows of one place."""
    day = compacted_folder(folder) / place.model / place.day.isoformat()
    return day / f"{stem}.{place.kind}.parquet"


def stem_of(path: Path) -> str:
    """Return the name of the segment that a file came from."""
    return path.name.partition(".")[0]


class PartialTable:
    """A parquet file that has no name yet; it is written row group by row group."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path, self._schema = path, schema
        self._hidden = path.with_name(f".{path.name}{PARTIAL}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._hidden, "wb")  # noqa: SIM115 (it ends with `publish`)
        self._writer = pq.ParquetWriter(self._file, pa.schema(schema.items()), compression="zstd")

    def add(self, columns: Columns) -> int:
        """Write rows as one row group; return how many."""
        table = table_of(columns, self._schema)
        self._writer.write_table(table)
        return len(table)

    def publish(self) -> None:
        """Give it its name when the disk has it."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._hidden.replace(self._path)
        for folder in (self._path.parent, self._path.parent.parent, self._path.parent.parent.parent):
            sync(folder)


def read_compacted(
    folder: Path, model: str, kind: Kind, since: datetime, until: datetime | None, *, leave: Collection[str]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of a time by segment, in no order, but for those segments that are read elsewhere."""
    wanted = [("at", ">=", since)] + ([("at", "<", until)] if until else [])
    for path in list_compacted(folder, model, kind, since, until):
        if stem_of(path) not in leave:
            yield from _read(path, wanted)


def list_compacted(
    folder: Path, model: str, kind: Kind, since: datetime, until: datetime | None
) -> Iterator[Path]:
    """Yield the files that may hold rows of a time."""
    for day in list_days(folder, model):
        if since.date() <= date.fromisoformat(day.name) and (
            until is None or day.name <= f"{until:%Y-%m-%d}"
        ):
            yield from day.glob(f"[!.]*.{kind}.parquet")


def _read(path: Path, wanted: list[tuple[str, str, datetime]]) -> Iterator[tuple[str, pa.Table]]:
    with suppress(FileNotFoundError):  # its time was over
        yield stem_of(path), pq.read_table(path, filters=wanted, partitioning=None, pre_buffer=False)
