"""What do the contract checks cost beside pandas' own read of the same file?

1,000,000 rows by 20 columns, 30 rules, clean data. Only the checks are on our clock: the chunks are in
memory when it starts. The two are measured in turn, and the medians are compared.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from millrace.adapters.batches import read_batch
from millrace.adapters.contract import check_batch
from millrace.domain.config import ColumnContract, ColumnType, ContractSection

ROWS = 1_000_000
CATEGORIES = tuple("ABCDEFGH")


@dataclass(frozen=True)
class Comparison:
    """The figures of one run, and where they were taken."""

    rows: int
    columns: int
    rules: int
    pandas_read_seconds: float
    checks_seconds: float
    ratio: float
    cpus: int
    machine: str
    python: str
    pandas: str
    pandera: str
    pyarrow: str


def contract() -> ContractSection:
    """Return twenty columns and thirty rules: ends of ranges, categories, a pattern, shares of nulls."""
    numbers = {f"number_{i}": ColumnContract(type=ColumnType.FLOAT, min=-10, max=10) for i in range(5)}
    sparse = {
        f"sparse_{i}": ColumnContract(type=ColumnType.FLOAT, max_null_share=0.2, max=10) for i in range(5)
    }
    counts = {f"count_{i}": ColumnContract(type=ColumnType.INT, min=0) for i in range(5)}
    words = {f"word_{i}": ColumnContract(type=ColumnType.STRING, categories=CATEGORIES) for i in range(3)}
    others = {
        "code": ColumnContract(type=ColumnType.STRING, pattern="[A-Z]{3}[0-9]{2}", max_null_share=0.01),
        "at": ColumnContract(type=ColumnType.TIMESTAMP),
    }
    columns = {**numbers, **sparse, **counts, **words, **others}
    return ContractSection(min_rows=1, max_duplicate_share=0.0, min_label_share=0.0, columns=columns)


def count_rules(section: ContractSection) -> int:
    """Count what a row or column can break besides its type: both ends, lists, patterns, allowed nulls."""
    return sum(
        (column.min is not None)
        + (column.max is not None)
        + (column.categories is not None)
        + (column.pattern is not None)
        + (column.max_null_share > 0)
        for column in section.columns.values()
    )


def clean_rows() -> pd.DataFrame:
    random = np.random.default_rng(7)
    columns: dict[str, object] = {f"number_{i}": random.uniform(-9, 9, ROWS) for i in range(5)}
    for i in range(5):
        columns[f"sparse_{i}"] = np.where(random.random(ROWS) < 0.1, np.nan, random.uniform(-9, 9, ROWS))
        columns[f"count_{i}"] = random.integers(0, 1_000, ROWS)
    for i in range(3):
        columns[f"word_{i}"] = random.choice(CATEGORIES, ROWS)
    codes = [f"ABC{number:02}" for number in range(100)]
    columns["code"] = random.choice(codes, ROWS)
    columns["at"] = pd.date_range("2013-01-01", periods=ROWS, freq="s", tz="UTC")
    return pd.DataFrame(columns)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(file: Path, rounds: int) -> Comparison:
    section, chunks = contract(), list(read_batch(file))
    check = check_batch(chunks, section, lambda _rows: None)  # imports, and the proof that the data is clean
    assert check.violations == ()
    assert check.rows == ROWS
    pd.read_parquet(file)
    reads, checks = [], []
    for _ in range(rounds):
        reads.append(seconds(lambda: pd.read_parquet(file)))
        checks.append(seconds(lambda: check_batch(chunks, section, lambda _rows: None)))
    read, checked = statistics.median(reads), statistics.median(checks)
    return Comparison(
        rows=ROWS,
        columns=len(section.columns),
        rules=count_rules(section),
        pandas_read_seconds=round(read, 3),
        checks_seconds=round(checked, 3),
        ratio=round(checked / read, 2),
        cpus=os.cpu_count() or 0,
        machine=platform.machine(),
        python=platform.python_version(),
        **{name: version(name) for name in ("pandas", "pandera", "pyarrow")},
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--rounds", type=int, default=7)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batch.parquet"
        clean_rows().to_parquet(file)
        found = asdict(measure(file, options.rounds))
    if options.json:
        print(json.dumps(found))
        return
    table = Table("figure", "value", title="Contract checks beside pandas' read (bar: ratio at most 2.5)")
    for name, value in found.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
