"""What does a window of the prediction log cost, as `monitor` counts it, beside reading its parquet?

The log is what services write and compaction makes of it. For many rows its files are there several times,
each under the name of another segment: to write them row by row would take minutes.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.drift.counting import in_turn
from benchmarks.drift.memory import peak_gib
from benchmarks.drift.window import TYPES, columns_of, reference_of
from benchmarks.process import environment, output_of
from benchmarks.report import Figure
from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.counting import LogWindow
from millrace.adapters.prediction_log.profiling import CountedLog, profile_log
from millrace.adapters.prediction_log.writer import Limits
from millrace.adapters.profiling import count_table
from millrace.domain.bundle import InputColumn, Schema, parse_file
from millrace.domain.canonical import canonical_json
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.prediction import Answered, AnsweredRow
from millrace.domain.profile import CategoricalCounts, Profile, Reference
from millrace.domain.profile.edges import numeric_edges

ROWS, TIMES = 1_000_000, 10

MODEL, DIGEST = "served", "a" * 64
START = datetime(2026, 3, 1, tzinfo=UTC)
ROWS_OF_RECORD, ROWS_OF_SEGMENT = 500, 100_000
REFERENCE = "logged.json"

MOST_TIMES_READ = 3.0
MOST_GIB = 1.0


def figures(folder: Path, rounds: int) -> tuple[Figure, ...]:
    """Measure one log in this process, and a longer one by others."""
    log = folder / "log"
    write_log(log, ROWS)
    (folder / REFERENCE).write_text(canonical_json(_reference()), "utf-8")
    beside = _beside_reading(log, rounds)
    repeat_log(log, TIMES)
    many = [_by_child(log) for _ in range(rounds)]
    assert {one["rows"] for one in many} == {ROWS * TIMES}, many
    name = f"log of {ROWS * TIMES:,} x 20"
    return (
        *beside,
        Figure(f"{name}, profile", round(statistics.median(one["seconds"] for one in many), 2), "s"),
        Figure(f"{name}, peak memory", round(max(one["gib"] for one in many), 3), "GiB", MOST_GIB),
    )


def write_log(folder: Path, rows: int) -> None:
    """Write rows as a service does, and compact them."""
    folder.mkdir()
    for start in range(0, rows, ROWS_OF_SEGMENT):
        writer = SegmentWriter(folder, f"service-{start}", Limits(waiting_bytes=1 << 30))
        for record in _records(start, min(rows, start + ROWS_OF_SEGMENT)):
            writer.append(encode(record))
        writer.close()
        compact(folder)


def repeat_log(folder: Path, times: int) -> None:
    """Let the files of a compacted log be there so many times."""
    for path in _files(folder):
        stem, _, kind = path.name.partition(".")
        for place in range(1, times):
            os.link(path, path.with_name(f"{stem}-{place}.{kind}"))


def _records(start: int, end: int) -> Iterator[Answered]:
    columns = columns_of(end - start, seed=start)
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    answers = np.random.default_rng(start).random(end - start).tolist()
    at = START.timestamp()
    logged = [
        AnsweredRow(f"6f1c9d0a2b7e4c55{place:08x}", 0, at + place * 1e-3, row, answer, 300)
        for place, (row, answer) in enumerate(zip(rows, answers, strict=True), start)
    ]
    for first in range(0, len(logged), ROWS_OF_RECORD):
        yield Answered(MODEL, DIGEST, 7, "answer", (*columns,), logged[first : first + ROWS_OF_RECORD])


def _beside_reading(log: Path, rounds: int) -> tuple[Figure, ...]:
    reference = _reference()
    wanted = ["at", "digest", "answer", *(f"input.{name}" for name in reference.inputs.names)]
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        read, counted = in_turn(
            rounds,
            lambda: [*executor.map(lambda path: _read(path, wanted), _files(log))],
            lambda: _count(log, reference, executor),
        )
    ratio = statistics.median(one / other for one, other in zip(counted, read, strict=True))
    name = f"log of {ROWS:,} x 20"
    return (
        Figure(f"{name}, pyarrow reads its columns", round(statistics.median(read), 3), "s"),
        Figure(f"{name}, profile", round(statistics.median(counted), 3), "s"),
        Figure(f"{name}, profile / read", round(ratio, 2), "times", MOST_TIMES_READ),
    )


def _read(path: Path, columns: list[str]) -> object:
    return pq.read_table(path, columns=columns, partitioning=None, pre_buffer=False, use_threads=False)


def _count(log: Path, reference: Reference, executor: Executor) -> CountedLog:
    inputs = [
        InputColumn(one, TYPES.get(one, ColumnType.FLOAT), nullable=True, categorical=one in TYPES)
        for one in reference.inputs.names
    ]
    schema = Schema(Task.BINARY, tuple(inputs), ("0", "1"))
    window = LogWindow(MODEL, DIGEST, START, START + timedelta(days=1), reference, schema)
    return profile_log(log, window, count_table, executor)


def _reference() -> Reference:
    answers = numeric_edges("answer", np.random.default_rng(1).random(100_000))
    target = CategoricalCounts("label", ("0", "1"), (0, 0), 0, 0)
    return Reference(reference_of(), Profile(0, (), (target,)), Profile(0, (answers,), ()))


def _files(log: Path) -> list[Path]:
    return sorted(log.glob("compacted/*/*/*.answers.parquet"))


def _by_child(log: Path) -> dict[str, float]:
    printed = output_of([sys.executable, "-m", "benchmarks.drift.logged", str(log)], environment())
    found: dict[str, float] = json.loads(printed)
    return found


def child(log: Path) -> None:
    """Be the process that is measured; print its seconds, its peak memory and how many rows it counted."""
    reference = parse_file((log.parent / REFERENCE).read_bytes(), Reference, REFERENCE)
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        found = _count(log, reference, executor)
    seconds = time.perf_counter() - start
    assert (found.troubles, found.damages) == ({}, 0), found
    print(json.dumps({"seconds": seconds, "gib": peak_gib(), "rows": found.window.inputs.rows}))


if __name__ == "__main__":
    child(Path(sys.argv[1]))
