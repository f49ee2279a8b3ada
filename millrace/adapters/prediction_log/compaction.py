"""How does what services wrote become parquet, without a row lost or doubled wherever it is killed?"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from millrace.adapters.prediction_log.compacted import PartialTable, path_of
from millrace.adapters.prediction_log.layout import damaged_folder
from millrace.adapters.prediction_log.segment import (
    OPEN,
    Damage,
    list_segments,
    lock,
    owned_if_dead,
    read_records,
)
from millrace.adapters.prediction_log.services import Words, hear, remember_services
from millrace.adapters.prediction_log.tables import Place, Schema, chunks_of, infer, unite
from millrace.domain.prediction import Record
from millrace.durable import sync
from millrace.errors import NoSpaceError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Compacted:
    """What one compaction did. `is_busy`: nothing, as another one is at it."""

    segments: int = 0
    rows: int = 0
    damages: tuple[Damage, ...] = ()
    is_busy: bool = False


@dataclass
class _Reading:
    """What was found in a segment beside its rows."""

    damages: list[Damage] = field(default_factory=list)
    words: Words = field(default_factory=dict)


def compact(folder: Path) -> Compacted:
    """Turn every segment that nobody writes any more into parquet, one after the other.

    Raises
    ------
    NoSpaceError
        If the disk is full; the segments that are left are still whole.
    """
    if not folder.is_dir():
        return Compacted()
    with (folder / ".compacting").open("w") as file:
        if not lock(file.fileno()):
            return Compacted(is_busy=True)
        done = [one for path in list_segments(folder) if (one := _compact_if_left(folder, path)) is not None]
    damages = tuple(damage for one in done for damage in one.damages)
    return Compacted(len(done), sum(one.rows for one in done), damages)


def _compact_if_left(folder: Path, path: Path) -> Compacted | None:
    with owned_if_dead(path) as file:
        if file is None:
            return None
        try:
            return _compact_segment(folder, path, file)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise NoSpaceError(str(folder), path.stat().st_size) from error
            raise


def _compact_segment(folder: Path, path: Path, file: IO[bytes]) -> Compacted:
    reading = _Reading()
    schemas = _schemas_of(_records_of(file, path, reading))
    rows = _write_tables(folder, path, schemas, _records_of(file, path, _Reading()))
    if reading.words:
        remember_services(folder, reading.words)
    _put_away(folder, path, reading.damages)
    return Compacted(1, rows, tuple(reading.damages))


def _records_of(file: IO[bytes], path: Path, reading: _Reading) -> Iterator[Record]:
    file.seek(0)
    for found in read_records(file, path.name):
        if isinstance(found, Damage):
            reading.damages.append(found)
        else:
            hear(reading.words, [found])
            yield found


def _schemas_of(records: Iterator[Record]) -> dict[Place, Schema]:
    """Find the columns and types of every table before the first of its rows is written."""
    schemas: dict[Place, Schema] = {}
    for place, columns in chunks_of(records):
        schemas[place] = unite([schemas.get(place, {}), infer(columns, place.kind)])
    return schemas


def _write_tables(folder: Path, path: Path, schemas: dict[Place, Schema], records: Iterator[Record]) -> int:
    tables = {
        place: PartialTable(path_of(folder, place, path.stem), schema) for place, schema in schemas.items()
    }
    rows = 0
    for place, columns in chunks_of(records):
        rows += tables[place].add(columns)
    for table in tables.values():
        table.publish()
    return rows


def _put_away(folder: Path, path: Path, damages: list[Damage]) -> None:
    unexplained = [damage for damage in damages if not (damage.is_torn and path.suffix == OPEN)]
    if unexplained:
        aside = damaged_folder(folder)
        aside.mkdir(exist_ok=True)
        path.replace(aside / f"{path.stem}@{unexplained[0].offset}.seg")
        sync(aside)
    else:
        path.unlink(missing_ok=True)
    sync(folder)
