"""How long does it take from a file to a model, and to a published champion?

`millrace new` on 1,000,000 rows by 50 columns, with its memory; `new` and `retrain` on 1,000 rows.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from benchmarks.process import MILLRACE, FailedProcessError, environment, output_of, seconds_of
from benchmarks.report import GIB, Figure, Report, make_report, run

ROUNDS = 1
MANY_ROWS, NUMBERS, TEXTS = 1_000_000, 40, 9
FEW_ROWS = 1_000
MOST_SECONDS_NEW = 30.0
MOST_GIB_NEW = 2.0
MOST_SECONDS_PUBLISHED = 90.0
PACKAGES = ("pandas", "pyarrow", "scikit-learn", "prefect")
_LOOK_SECONDS = 0.05


def rows(count: int) -> pd.DataFrame:
    """Numbers with gaps, categories of three sizes, and a class that a few of them tell."""
    source = np.random.default_rng(7)
    numbers = {f"number_{at}": np.round(source.normal(at, 1.0 + at, count), 4) for at in range(NUMBERS)}
    frame = pd.DataFrame(numbers)
    frame.loc[source.random(count) < 0.1, "number_7"] = np.nan
    for at in range(TEXTS):
        frame[f"text_{at}"] = source.choice([f"value {one}" for one in range(3 * 4 ** (at % 4))], count)
    signal = frame["number_0"] + frame["number_1"] / 2.0 + (frame["text_0"] == "value 1")
    frame["outcome"] = np.where(source.random(count) < 1.0 / (1.0 + np.exp(-signal)), "yes", "no")
    return frame


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, few = folder / "many.csv", folder / "few.csv"
        rows(MANY_ROWS).to_csv(many, index=False)
        rows(FEW_ROWS).to_csv(few, index=False)
        env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"))
        (folder / "home").mkdir()
        output_of([MILLRACE, "--help"], env)  # compiled once, as in an installation
        seconds, gib = min(peak_of(_new(f"many{at}", many), env) for at in range(rounds))
        published = min(
            seconds_of(_new(f"few{at}", few), env) + seconds_of([MILLRACE, "retrain", f"few{at}"], env)
            for at in range(rounds)
        )
    figures = (
        Figure(f"new, {MANY_ROWS:,} rows by 50 columns, CSV", round(seconds, 1), "s", MOST_SECONDS_NEW),
        Figure("its memory", round(gib, 2), "GiB", MOST_GIB_NEW),
        Figure(
            f"new and retrain, {FEW_ROWS:,} rows by 50 columns, CSV",
            round(published, 1),
            "s",
            MOST_SECONDS_PUBLISHED,
        ),
    )
    return make_report(
        "any_model.speed", "from a file to a model, and to a published champion", figures, PACKAGES
    )


def peak_of(command: Sequence[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its seconds, and the most memory it had in GiB."""
    start, most = time.perf_counter(), 0
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            most = max(most, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - start
    told = process.communicate()[0].decode()
    if process.returncode != 0:
        raise FailedProcessError(command, process.returncode, told)
    return seconds, most / GIB


def _new(name: str, path: Path) -> list[str]:
    return [MILLRACE, "new", name, "--data", str(path), "--target", "outcome"]


if __name__ == "__main__":
    sys.exit(run(measure, ROUNDS, __doc__))
