"""What do the contract checks cost beside pandas' own read of the same file?

1,000,000 rows by 20 columns, 30 rules, clean data. Only the checks are on our clock: the chunks are in
memory when it starts. The two are measured in turn, and the medians are compared.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.million import ROWS, clean_rows, contract, count_rules
from benchmarks.report import Figure, Report, make_report, run
from millrace.adapters.contract import check_batch
from millrace.adapters.tables import read_table

ROUNDS = 7
MOST_TIMES_READ = 2.5
PACKAGES = ("pandas", "pandera", "pyarrow")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batch.parquet"
        clean_rows().to_parquet(file)
        read, checked = _medians(file, rounds)
    figures = (
        Figure("pandas' read", round(read, 3), "s"),
        Figure("the checks", round(checked, 3), "s"),
        Figure("checks / read", round(checked / read, 2), "times", MOST_TIMES_READ),
    )
    rules = count_rules(contract())
    title = f"contract checks: {ROWS:,} x 20, {rules} rules, {rounds} rounds in turn, medians"
    return make_report("contract", title, figures, PACKAGES)


def _medians(file: Path, rounds: int) -> tuple[float, float]:
    section, chunks = contract(), list(read_table(file))
    check = check_batch(chunks, section, lambda _rows: None)  # imports, and the proof that the data is clean
    assert check.violations == ()
    assert check.rows == ROWS
    pd.read_parquet(file)
    reads, checks = [], []
    for _ in range(rounds):
        reads.append(seconds(lambda: pd.read_parquet(file)))
        checks.append(seconds(lambda: check_batch(chunks, section, lambda _rows: None)))
    return statistics.median(reads), statistics.median(checks)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
