"""How fast does `millrace score` answer a large file, in how much memory, beside pandas and scikit-learn?"""

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
from benchmarks.report import GIB, Figure, Report, make_report
from benchmarks.report import run as take
from millrace.settings import PROJECT_ROOT

MODEL = "flights"
ROWS = 10_000_000
PIECE_ROWS = 1_000_000
ROUNDS = 3
LEAST_RATIO, MOST_GIB = 3.0, 1.0
PACKAGES = ("onnxruntime", "pyarrow", "pandas", "scikit-learn")
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


def measure(rounds: int) -> Report:
    """Score the large file by us, and a smaller one by both."""
    with tempfile.TemporaryDirectory(prefix="millrace-score-") as name:
        folder = Path(name)
        env = prepare(folder)
        small, large = write_rows(folder, BARE_ROWS), write_rows(folder, ROWS)

        def ours(source: Path, count: int) -> Run:
            output = str(folder / "ours.parquet")
            command = [MILLRACE, "score", MODEL, str(source), output, "--version", "1"]
            return run(command, env, count)

        def bare() -> Run:
            command = [sys.executable, "-c", BARE, str(small), str(folder / "bare.parquet"), str(folder)]
            return run(command, env, BARE_ROWS)

        pairs = [(ours(small, BARE_ROWS), bare()) for _ in range(rounds)]
        mine, theirs = (min(each, key=lambda one: one.seconds) for each in zip(*pairs, strict=True))
        whole = ours(large, ROWS)
    figures = (
        Figure(
            "times as fast as pandas and scikit-learn", theirs.seconds / mine.seconds, "", least=LEAST_RATIO
        ),
        Figure("millrace score, 2,000,000 rows", mine.seconds, "s"),
        Figure("pandas and scikit-learn, the same rows", theirs.seconds, "s"),
        Figure("millrace score, 2,000,000 rows, of both cores", mine.cpu_seconds, "s"),
        Figure("pandas and scikit-learn, of both cores", theirs.cpu_seconds, "s"),
        Figure("pandas and scikit-learn, most memory", theirs.peak_bytes / GIB, "GiB"),
        Figure("millrace score, 10,000,000 rows", whole.seconds, "s"),
        Figure("millrace score, 10,000,000 rows, most memory", whole.peak_bytes / GIB, "GiB", most=MOST_GIB),
    )
    return make_report("any_model.score", "a file of flights, from parquet to parquet", figures, PACKAGES)


if __name__ == "__main__":
    take(measure, ROUNDS, __doc__)
