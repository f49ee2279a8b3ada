"""A prediction log as services write it: rows of two versions, a tenth of them not compacted yet."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.writer import Limits
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled, Record, Shadowed, ShadowedRow

MODEL, OLD, NEW = "served", "a" * 64, "b" * 64
START = datetime(2026, 3, 1, tzinfo=UTC)
COLUMN = "origin"
KEY = "ride"
COLUMNS = (KEY, "distance", "hour", COLUMN, "carrier", "day")
VALUES = 50
"""So many values `COLUMN` has."""
LABELLED = 3
"""Of so many rows, one has a label."""

_ROWS_OF_RECORD, _ROWS_OF_SEGMENT = 20, 100_000
_SECONDS_OF_ROW = 0.001


def write_log(folder: Path, rows: int, *, is_shadowed: bool, by_key: bool) -> None:
    """Write the log; all but its newest tenth is compacted. Labels name rows by `KEY`, or by request."""
    for start in range(0, rows, _ROWS_OF_SEGMENT):
        is_last = start + _ROWS_OF_SEGMENT >= rows
        if is_last:
            compact(folder)
        writer = SegmentWriter(folder, f"service-{start}", Limits(waiting_bytes=1 << 30))
        end = min(rows, start + _ROWS_OF_SEGMENT)
        for record in _records(start, end, is_shadowed=is_shadowed, by_key=by_key):
            writer.append(encode(record))
        writer.close()


def _records(start: int, end: int, *, is_shadowed: bool, by_key: bool) -> Iterator[Record]:
    rng = np.random.default_rng(start)
    for first in range(start, end, _ROWS_OF_RECORD):
        numbers = range(first, min(end, first + _ROWS_OF_RECORD))
        digest = NEW if not is_shadowed and rng.random() < 0.25 else OLD
        answers = rng.random((2, len(numbers)))
        rows = [_row(number, answer) for number, answer in zip(numbers, answers[0].tolist(), strict=True)]
        yield Answered(MODEL, digest, 7, "answer", COLUMNS, rows)
        if is_shadowed:
            pairs = zip(rows, answers[1].tolist(), strict=True)
            scored = [ShadowedRow(row.request_id, 0, row.at + 0.01, answer, 90) for row, answer in pairs]
            yield Shadowed(MODEL, NEW, 7, scored)
        labels = [_label(number, by_key=by_key) for number in numbers if not number % LABELLED]
        yield Labelled(MODEL, rows[-1].at + 1.0, (KEY,) if by_key else (), labels)


def _row(number: int, answer: float) -> AnsweredRow:
    at = START.timestamp() + number * _SECONDS_OF_ROW
    inputs = (number, float(number % 977), number % 24, f"o{number % VALUES}", f"c{number % 16}", number % 7)
    return AnsweredRow(_name(number), 0, at, inputs, answer, 300 + number % 211)


def _label(number: int, *, by_key: bool) -> Label:
    named = (None, 0, (number,)) if by_key else (_name(number), 0, None)
    return Label(str(number // LABELLED % 2), *named)


def _name(number: int) -> str:
    return f"6f1c9d0a2b7e4c55{number:08x}"
