"""How fast does `millrace score` answer a large file, in how much memory, beside pandas and scikit-learn?"""

import os
import shutil
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
ROWS, OTHER_ROWS = 10_000_000, 2_000_000
PIECE_ROWS = 1_000_000
ROUNDS = 2
LEAST_RATIO, MOST_GIB = 3.0, 1.0
PACKAGES = ("onnxruntime", "pyarrow", "pandas", "scikit-learn", "lightgbm", "xgboost-cpu")
ESTIMATOR = "hist_gradient_boosting"
OTHERS = ("linear", "random_forest", "lightgbm", "xgboost")
MOVED = {"temperature_f": 2.0, "dew_point_f": 2.0, "pressure_mbar": 1.0}
"""By standard deviations of so much rows drawn twice differ: rows alike would be quicker to answer."""

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


def prepare(folder: Path, estimator: str) -> dict[str, str]:
    """Train a version of the flights, and fit the same pipeline again for the script."""
    folder.mkdir()
    shutil.copytree(PROJECT_ROOT / "models" / MODEL, folder / "models" / MODEL)
    toml = folder / "models" / MODEL / "model.toml"
    toml.write_text(toml.read_text().replace(f'estimator = "{ESTIMATOR}"', f'estimator = "{estimator}"'))
    env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"))
    output_of([MILLRACE, "ingest", MODEL], env)
    # whether the gate lets it pass is no matter here: the version is named
    subprocess.run(
        [MILLRACE, "retrain", MODEL], env=env, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, check=False
    )
    output_of([sys.executable, "-c", FIT, str(folder)], env)
    return env


def write_rows(folder: Path, rows: int) -> Path:
    """Write rows drawn from those of the year, each with weather of its own, in row groups of a million."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    year, random = pq.read_table(folder / "rows.parquet"), np.random.default_rng(7)
    target = folder / f"rows-{rows}.parquet"
    with pq.ParquetWriter(target, year.schema) as writer:
        for start in range(0, rows, PIECE_ROWS):
            drawn = year.take(pa.array(random.integers(0, year.num_rows, min(PIECE_ROWS, rows - start))))
            for name, spread in MOVED.items():
                moved = drawn[name].to_numpy() + random.normal(0.0, spread, drawn.num_rows)
                drawn = drawn.set_column(
                    drawn.schema.get_field_index(name), name, pa.array(moved, from_pandas=True)
                )
            writer.write_table(drawn)
    return target


@dataclass(frozen=True)
class Pair:
    """The same rows answered by us and by the script, each at its best of some rounds."""

    ours: Run
    bare: Run

    @property
    def ratio(self) -> float:
        return self.bare.seconds / self.ours.seconds


def measure_pair(folder: Path, estimator: str, rows: int, rounds: int) -> Pair:
    """Train with an estimator, and let both answer the same file in turns."""
    env = prepare(folder, estimator)
    source = str(write_rows(folder, rows))

    def ours() -> Run:
        output = str(folder / "ours.parquet")
        return run([MILLRACE, "score", MODEL, source, output, "--version", "1"], env, rows)

    def bare() -> Run:
        command = [sys.executable, "-c", BARE, source, str(folder / "bare.parquet"), str(folder)]
        return run(command, env, rows)

    pairs = [(ours(), bare()) for _ in range(rounds)]
    return Pair(*(min(each, key=lambda one: one.seconds) for each in zip(*pairs, strict=True)))


def measure(rounds: int) -> Report:
    """Score a large file by the estimator that `millrace new` proposes, and smaller ones by the others."""
    with tempfile.TemporaryDirectory(prefix="millrace-score-") as name:
        main = measure_pair(Path(name) / ESTIMATOR, ESTIMATOR, ROWS, rounds)
        others = {one: measure_pair(Path(name) / one, one, OTHER_ROWS, rounds) for one in OTHERS}
    figures = (
        Figure("times as fast as pandas and scikit-learn", main.ratio, "", least=LEAST_RATIO),
        Figure("millrace score, 10,000,000 rows", main.ours.seconds, "s"),
        Figure("pandas and scikit-learn, the same rows", main.bare.seconds, "s"),
        Figure("millrace score, of both cores", main.ours.cpu_seconds, "s"),
        Figure("pandas and scikit-learn, of both cores", main.bare.cpu_seconds, "s"),
        Figure("millrace score, most memory", main.ours.peak_bytes / GIB, "GiB", most=MOST_GIB),
        Figure("pandas and scikit-learn, most memory", main.bare.peak_bytes / GIB, "GiB"),
        *(
            figure
            for one, pair in others.items()
            for figure in (
                Figure(f"times as fast, {one}, 2,000,000 rows", pair.ratio, ""),
                Figure(f"millrace score, {one}", pair.ours.seconds, "s"),
            )
        ),
    )
    return make_report("any_model.score", "a file of flights, from parquet to parquet", figures, PACKAGES)


if __name__ == "__main__":
    take(measure, ROUNDS, __doc__)
