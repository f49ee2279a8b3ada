"""What was answered under one request id?"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from millrace.adapters.prediction_log.layout import list_days
from millrace.adapters.prediction_log.parts import UnreadableLogError
from millrace.adapters.prediction_log.segment import (
    Damage,
    decode_frames,
    heads_of_model,
    list_segments,
    opened,
)
from millrace.adapters.prediction_log.tables import FIXED, INPUT, Kind, chunks_of, infer, table_of
from millrace.domain.prediction import Answered, Record

_decoder = msgspec.msgpack.Decoder(Record)


@dataclass(frozen=True)
class LoggedAnswer:
    """One answered row as the log has it. `answer` is None where the version gave none; `error` says why.

    `inputs` are the values as they were logged: those of columns in serving.hash are hashes.
    """

    request_id: str
    row: int
    at: datetime
    digest: str
    generation: int
    role: str
    answer: tuple[float, ...] | None
    error: str | None
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """The rows of a request, oldest first. Rows may be missing where the log has `damages`."""

    rows: tuple[LoggedAnswer, ...]
    damages: tuple[Damage, ...]


def find_answers(folder: Path, model: str, request_id: str) -> Answers:
    """Return what a model, whichever version, answered under a request id on the newest day it did.

    Many requests may have been given one id. What is not compacted is searched first: what becomes so
    meanwhile is then found there, and not twice.

    Raises
    ------
    UnreadableLogError
        If a compacted file is none.
    """
    damages: list[Damage] = []
    found: list[LoggedAnswer] = []
    for path in list_segments(folder):
        with opened(path) as there:
            if there is not None:
                found += _of_segment(*there, path, model, request_id, damages)
    for day in reversed(list_days(folder, model)):
        if found:
            break
        for path in sorted(day.glob(f"[!.]*.{Kind.ANSWERS}.parquet")):
            found += _of_file(path, request_id)
    return Answers(tuple(sorted(found, key=lambda one: (one.at, one.row))), tuple(damages))


def _of_segment(
    file: IO[bytes], is_written: bool, path: Path, model: str, request_id: str, damages: list[Damage]
) -> Iterator[LoggedAnswer]:
    wanted = request_id.encode()

    def decode(payload: bytes) -> Record | None:
        # most records are of other requests, and are not worth decoding
        return _decoder.decode(payload) if wanted in payload else None

    for found in decode_frames(file, path.name, heads_of_model(model), decode):
        if isinstance(found, Damage):
            if not (is_written and found.is_torn):  # else its writer is just at it
                damages.append(found)
        elif isinstance(found, Answered):
            mine = [row for row in found.rows if row.request_id == request_id]
            for _, columns in chunks_of([msgspec.structs.replace(found, rows=mine)]):
                yield from _rows_of(table_of(columns, infer(columns, Kind.ANSWERS)))


def _of_file(path: Path, request_id: str) -> list[LoggedAnswer]:
    wanted = pc.field("request_id") == request_id
    try:
        with suppress(FileNotFoundError):  # its time may be over
            names = pq.read_table(path, columns=["request_id"], filters=wanted, partitioning=None)
            return [*_rows_of(pq.read_table(path, filters=wanted, partitioning=None))] if len(names) else []
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableLogError(path, str(error)) from error
    return []


def _rows_of(table: pa.Table) -> Iterator[LoggedAnswer]:
    for row in table.to_pylist():
        said = {name: row.get(name) for name in FIXED[Kind.ANSWERS] if name != "latency_us"}
        answer = None if said["answer"] is None else tuple(said["answer"])
        inputs = {name.removeprefix(INPUT): value for name, value in row.items() if name.startswith(INPUT)}
        yield LoggedAnswer(**said | {"answer": answer}, inputs=inputs)
