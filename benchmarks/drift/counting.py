"""What does one pass over a window cost beside reading it, and how do time and memory grow with it?"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.drift.memory import peak_gib
from benchmarks.drift.window import TYPES, reference_of, write_window
from benchmarks.process import environment, output_of
from benchmarks.report import Figure
from millrace.adapters.profiling import profile_parquet
from millrace.domain.bundle import parse_file
from millrace.domain.canonical import canonical_json
from millrace.domain.profile import Profile

ROWS, MANY_ROWS = 1_000_000, 10_000_000
FEW_COLUMNS, MANY_COLUMNS, WIDE_ROWS = 250, 1_000, 20_000

WARM_UP, WARM_UP_ROWS, REFERENCE = "warm_up.parquet", 50_000, "reference.json"

MOST_TIMES_READ = 3.0
MOST_GIB = 1.0
MOST_TIMES_LINEAR = 1.2


def figures(folder: Path, rounds: int) -> tuple[Figure, ...]:
    """Measure all of it on files in `folder`."""
    return (*_beside_reading(folder, rounds), *_many_rows(folder, rounds), *_many_columns(folder, rounds))


def _beside_reading(folder: Path, rounds: int) -> tuple[Figure, ...]:
    file, reference = write_window(folder / "window.parquet", ROWS, seed=2), reference_of()
    table = pq.read_table(file, pre_buffer=False)
    numbers = [(table[one.name].drop_null().to_numpy(), np.array(one.edges)) for one in reference.numeric]
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        read, counted, floor = in_turn(
            rounds,
            lambda: pq.read_table(file, pre_buffer=False),
            lambda: profile_parquet([file], reference, TYPES, executor),
            lambda: list(executor.map(lambda one: np.histogram(one[0], one[1]), numbers)),
        )
    ratios = [one / other for one, other in zip(counted, read, strict=True)]
    name = f"{ROWS:,} x 20"
    return (
        Figure(f"{name}, pyarrow reads it", round(statistics.median(read), 3), "s"),
        Figure(
            f"{name}, numpy's histograms of the numbers in memory", round(statistics.median(floor), 3), "s"
        ),
        Figure(f"{name}, profile", round(statistics.median(counted), 3), "s"),
        Figure(f"{name}, profile / read", round(statistics.median(ratios), 2), "times", MOST_TIMES_READ),
    )


def _many_rows(folder: Path, rounds: int) -> tuple[Figure, ...]:
    write_window(folder / WARM_UP, WARM_UP_ROWS, seed=6)
    (folder / REFERENCE).write_text(canonical_json(reference_of()), "utf-8")
    few = write_window(folder / "few.parquet", ROWS, seed=3)
    many = write_window(folder / "many.parquet", MANY_ROWS, seed=4)
    measured = [(_by_child(few), _by_child(many)) for _ in range(rounds)]
    growth = statistics.median(large["seconds"] / small["seconds"] for small, large in measured)
    name = f"{MANY_ROWS:,} x 20"
    return (
        Figure(f"{name}, profile", round(statistics.median(one["seconds"] for _, one in measured), 2), "s"),
        Figure(f"{name}, peak memory", round(max(one["gib"] for _, one in measured), 3), "GiB", MOST_GIB),
        Figure(
            f"{name} / 10 times {ROWS:,}",
            round(growth * ROWS / MANY_ROWS, 2),
            "times",
            MOST_TIMES_LINEAR,
        ),
    )


def _many_columns(folder: Path, rounds: int) -> tuple[Figure, ...]:
    files = {
        columns: write_window(folder / f"{columns}.parquet", WIDE_ROWS, seed=5, numbers=columns)
        for columns in (FEW_COLUMNS, MANY_COLUMNS)
    }
    references = {columns: reference_of(columns) for columns in files}
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        few, many = in_turn(
            rounds,
            *(
                lambda columns=columns: profile_parquet(  # type: ignore[misc]
                    [files[columns]], references[columns], TYPES, executor
                )
                for columns in files
            ),
        )
    growth = statistics.median(large / small for small, large in zip(few, many, strict=True))
    name = f"{WIDE_ROWS:,} x {MANY_COLUMNS:,}"
    return (
        Figure(f"{name}, profile", round(statistics.median(many), 3), "s"),
        Figure(
            f"{name} / {MANY_COLUMNS // FEW_COLUMNS} times {FEW_COLUMNS} columns",
            round(growth * FEW_COLUMNS / MANY_COLUMNS, 2),
            "times",
            MOST_TIMES_LINEAR,
        ),
    )


def in_turn(rounds: int, *works: Callable[[], object]) -> list[list[float]]:
    """Return the seconds of each, measured in turn, after each was done once."""
    for work in works:
        work()
    return [
        list(row) for row in zip(*([_seconds(work) for work in works] for _ in range(rounds)), strict=True)
    ]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _by_child(file: Path) -> dict[str, float]:
    printed = output_of([sys.executable, "-m", "benchmarks.drift.counting", str(file)], environment())
    found: dict[str, float] = json.loads(printed)
    return found


def child(file: Path) -> None:
    """Be the process that is measured; print its seconds and its peak memory, imports included."""
    reference = parse_file((file.parent / REFERENCE).read_bytes(), Profile, REFERENCE)
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        profile_parquet([file.parent / WARM_UP], reference, TYPES, executor)
        seconds = _seconds(lambda: profile_parquet([file], reference, TYPES, executor))
    print(json.dumps({"seconds": seconds, "gib": peak_gib()}))


if __name__ == "__main__":
    child(Path(sys.argv[1]))
