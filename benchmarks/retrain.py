"""What does `retrain`, everything on, cost beside a bare script that reads, fits, evaluates and saves?

100,000 rows by 20 columns, no search, a champion to be judged against. Whole processes, in turn: the bare
script, `millrace retrain` by itself, and `millrace retrain` on a Prefect server that runs already. Each
`retrain` starts from the same home, so none pays for the rounds before it.
"""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import planted
from benchmarks.process import MILLRACE, environment, output_of, seconds_of
from benchmarks.report import Figure, Report, make_report, run

ROUNDS = 3
BARE = str(Path(__file__).with_name("bare.py"))
PACKAGES = ("prefect", "mlflow", "scikit-learn", "skl2onnx", "onnxruntime", "pandas", "dvc")

MOST_TIMES_BARE = 1.5
MOST_SECONDS_IN_PROCESS = 8.0
MOST_SECONDS_ON_SERVER = 5.0

_SERVER_DEADLINE_SECONDS = 60.0


def prepare(folder: Path) -> dict[str, str]:
    """Ingest the rows and crown a first champion; return the environment of that home."""
    home, models, rows = folder / "home", folder / "models", folder / "rows.parquet"
    home.mkdir()
    planted.planted_rows().to_parquet(rows)
    planted.write_model(models, seed=1, iterations=50)
    env = environment(MILLRACE_HOME=str(home), MILLRACE_MODELS=str(models))
    output_of([MILLRACE, "ingest", planted.NAME, str(rows)], env)
    output_of([MILLRACE, "retrain", planted.NAME], env)
    planted.write_model(models, seed=2)
    shutil.copytree(home, folder / "template")
    return env


def bare_seconds(folder: Path) -> float:
    # Without it the script's threads spin, and it is four times slower whenever a core is busy.
    env = environment(OMP_WAIT_POLICY="PASSIVE")
    arguments = [str(folder / "rows.parquet"), str(planted.ITERATIONS), str(folder / "model.joblib")]
    return seconds_of([sys.executable, BARE, *arguments], env)


def retrain_seconds(folder: Path, env: dict[str, str]) -> float:
    shutil.rmtree(folder / "home")
    shutil.copytree(folder / "template", folder / "home")
    return seconds_of([MILLRACE, "retrain", planted.NAME], env)


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server of its own on a free port of this machine; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    env = environment(PREFECT_HOME=str(folder / "prefect"), PREFECT_SERVER_ANALYTICS_ENABLED="false")
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _SERVER_DEADLINE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health"):  # noqa: S310
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name, running_server(Path(name)) as url:
        folder = Path(name)
        env = prepare(folder)
        contenders: dict[str, Callable[[], float]] = {
            "bare": lambda: bare_seconds(folder),
            "in process": lambda: retrain_seconds(folder, env),
            "on a server": lambda: retrain_seconds(folder, {**env, "PREFECT_API_URL": url}),
        }
        bare_seconds(folder)
        retrain_seconds(folder, {**env, "PREFECT_API_URL": url})  # the files are in memory from here on
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for contender, work in contenders.items():
                taken[contender].append(work())
    median = {contender: round(statistics.median(seconds), 2) for contender, seconds in taken.items()}
    allowed = MOST_TIMES_BARE * median["bare"]
    figures = (
        Figure("the bare script", median["bare"], "s"),
        Figure("retrain in process", median["in process"], "s", round(allowed + MOST_SECONDS_IN_PROCESS, 2)),
        Figure("retrain on a server", median["on a server"], "s", round(allowed + MOST_SECONDS_ON_SERVER, 2)),
    )
    title = f"retrain beside a bare script: {planted.ROWS:,} x 20, {rounds} rounds in turn, medians"
    return make_report("retrain", title, figures, PACKAGES)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
