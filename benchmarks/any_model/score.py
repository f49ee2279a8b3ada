"""How fast does `millrace score` answer a large file, in how much memory, beside pandas and scikit-learn?"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.process import MILLRACE, environment, output_of
from millrace.settings import PROJECT_ROOT

MODEL = "flights"
ROWS = 10_000_000
PIECE_ROWS = 1_000_000
ROUNDS = 3
BARE_ROWS = 2_000_000
"""Whole frames of all ten million rows do not fit into the memory of a small machine."""

FIT = """
import sys, joblib
from dataclasses import replace
from pathlib import Path
import numpy as np, pandas as pd
from millrace.adapters import training
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.facts import ChallengerTrained
from millrace.domain.features import feature_frame
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.rows import split_rows, when_all_labels_are_due
from millrace.steps.stores import ledger, model_config

folder = Path(sys.argv[1])
config, dataset = model_config("flights"), current_dataset("flights")
rows = split_rows(config, dataset, when_all_labels_are_due(config, dataset)).training
trained = ledger().last("flights", ChallengerTrained).fact
scorer = load_scorer(bundles_folder(load_settings().channel) / trained.digest)
inputs = scorer.schema.inputs
learned = training.Learned(feature_frame(rows.frame, inputs), rows.labels, rows.blocks, None)
pipeline = training.fit_model(config, {}, None, learned)
joblib.dump((pipeline, [column.name for column in inputs], [c.name for c in inputs if c.categorical]),
            folder / "pipeline.joblib")
rows.frame.drop(columns=[config.data.target]).to_parquet(folder / "rows.parquet", index=False)
"""

BARE = """
import sys, joblib, pandas as pd
source, target, folder = sys.argv[1:]
pipeline, names, texts = joblib.load(folder + "/pipeline.joblib")
rows = pd.read_parquet(source)
features = rows[names].copy()
features[texts] = features[texts].astype(object)
rows[["carrier", "flight", "origin", "scheduled_departure"]].assign(
    probability=pipeline.predict_proba(features)[:, 1]
).to_parquet(target, index=False)
"""
"""What a script does: the whole file, the pipeline, the whole file."""


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def run(command: Sequence[str], env: dict[str, str], rows: int) -> Run:
    """Run a command and watch the memory that is its own: mapped files are the system's."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, env=env, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            try:
                memory = psutil.Process(process.pid).memory_info()
            except psutil.NoSuchProcess:
                return
            peak = max(peak, memory.rss - memory.shared)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise subprocess.CalledProcessError(code, list(command))
    return Run(rows, seconds, used.ru_utime + used.ru_stime, peak)


def prepare(folder: Path) -> dict[str, str]:
    """Train a version of the flights, and fit the same pipeline again for the script."""
    env = environment(MILLRACE_HOME=str(folder / "home"))
    output_of([MILLRACE, "ingest", MODEL], env)
    # whether the gate lets it pass is no matter here: the version is named
    subprocess.run(
        [MILLRACE, "retrain", MODEL], env=env, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, check=False
    )
    output_of([sys.executable, "-c", FIT, str(folder)], env)
    return env


def write_rows(folder: Path, rows: int) -> Path:
    """Write rows drawn from those of the year, in row groups of a million."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    year, random = pq.read_table(folder / "rows.parquet"), np.random.default_rng(7)
    target = folder / f"rows-{rows}.parquet"
    with pq.ParquetWriter(target, year.schema) as writer:
        for start in range(0, rows, PIECE_ROWS):
            drawn = random.integers(0, year.num_rows, min(PIECE_ROWS, rows - start))
            writer.write_table(year.take(pa.array(drawn)))
    return target


def measure(rows: int, bare_rows: int, folder: Path) -> dict[str, object]:
    """Score the large file by us, and a smaller one by both."""
    env = prepare(folder)
    small, large = write_rows(folder, bare_rows), write_rows(folder, rows)

    def ours(source: Path, count: int) -> Run:
        output = str(folder / "ours.parquet")
        command = [MILLRACE, "score", MODEL, str(source), output, "--version", "1"]
        return run(command, env, count)

    def bare() -> Run:
        command = [sys.executable, "-c", BARE, str(small), str(folder / "bare.parquet"), str(folder)]
        return run(command, env, bare_rows)

    pairs = [(ours(small, bare_rows), bare()) for _ in range(ROUNDS)]
    mine, theirs = (min(each, key=lambda one: one.seconds) for each in zip(*pairs, strict=True))
    whole = ours(large, rows)
    return {
        "cores": os.cpu_count(),
        "rows": bare_rows,
        "millrace_seconds": round(mine.seconds, 2),
        "pandas_sklearn_seconds": round(theirs.seconds, 2),
        "times_as_fast": round(theirs.seconds / mine.seconds, 2),
        "millrace_cpu_seconds": round(mine.cpu_seconds, 2),
        "pandas_sklearn_cpu_seconds": round(theirs.cpu_seconds, 2),
        "millrace_peak_mib": mine.peak_bytes >> 20,
        "pandas_sklearn_peak_mib": theirs.peak_bytes >> 20,
        "large_rows": rows,
        "large_seconds": round(whole.seconds, 1),
        "large_cpu_seconds": round(whole.cpu_seconds, 1),
        "large_rows_per_second": round(whole.rows_per_second),
        "large_peak_mib": whole.peak_bytes >> 20,
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--bare-rows", type=int, default=BARE_ROWS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-score-") as folder:
        print(json.dumps(measure(asked.rows, asked.bare_rows, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
