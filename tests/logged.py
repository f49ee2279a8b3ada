"""Records of the prediction log in which everything is there twice: a half of one would show."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled, Record, Shadowed, ShadowedRow

MODEL = "fares"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("ride", "distance_km", "tariff")


def answered(
    *request_ids: str, seconds: float = 0.0, digest: str = "a" * 64, rides: Iterable[int] | None = None
) -> Answered:
    """One record, with one row for each request, answered so many seconds after `AT`."""
    at = AT.timestamp() + seconds
    named = zip(request_ids, rides or range(len(request_ids)), strict=True)
    rows = [AnsweredRow(name, 0, at, (ride, 2.5, name), 0.25, 140) for name, ride in named]
    return Answered(MODEL, digest, 3, "answer", COLUMNS, rows)


def shadowed(request_id: str, answer: float | None = 0.5, seconds: float = 0.0) -> Shadowed:
    rows = [ShadowedRow(request_id, 0, AT.timestamp() + seconds, answer, 90)]
    return Shadowed(MODEL, "b" * 64, 3, rows, None if answer is not None else "it raised")


def labelled(*labels: Label, seconds: float, columns: tuple[str, ...] = ("ride",)) -> Labelled:
    return Labelled(MODEL, AT.timestamp() + seconds, columns, list(labels))


def by_request(request_id: str, label: str) -> Label:
    return Label(label, request_id, 0, None)


def by_key(ride: int, label: str) -> Label:
    return Label(label, None, 0, (ride,))


def write_log(folder: Path, *records: Record, instance: str = "one") -> None:
    """Write records as one closed segment."""
    writer = SegmentWriter(folder, instance)
    for record in records:
        writer.append(encode(record))
    writer.close()


def append_and_wait(writer: SegmentWriter, record: Record) -> OSError | None:
    """Log a durable record; return what was wrong."""
    told: list[OSError | None] = []
    is_told = Event()

    def done(error: OSError | None) -> None:
        told.append(error)
        is_told.set()

    writer.append_durable(encode(record), done)
    assert is_told.wait(60)
    return told[0]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
