"""How long does it take until something happens by itself, and what does waiting for it cost?

The stack is the one of `make up`, with the settings it ships with, on a home whose one model takes in months
of flights from an inbox. Each round copies a month into it. Prefect's own record then says when the batch was
pinned, when the event about it occurred, and when the training began that it led to: after the decision, and
after every row was read and verified. Months after December are those of 2013 again, 53 weeks later.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil

from benchmarks.process import environment
from benchmarks.report import Figure, Report, make_report, run
from millrace.adapters.models import load_source
from millrace.settings import PROJECT_ROOT

ROUNDS = 10
MODEL = "flights"
FIRST_MONTHS = 3
YEAR = timedelta(days=371)  # whole weeks, and no day of one year is one of the next
PACKAGES = ("prefect", "mlflow", "dvc", "supervisor", "scikit-learn", "pandas")

MOST_EVENT_SECONDS = 6.0
MOST_PIN_SECONDS = 8.0
MOST_READY_SECONDS = 25.0
MOST_CORE_PERCENT = 1.0
MOST_MIB = 200.0

IDLE_SECONDS = 60.0
DEADLINE_SECONDS = 180.0
MIB = 1 << 20

CHANGES = {
    'source = "python"             # source.py yields one batch per month, when a person asks for it': (
        'source = "files"'
    ),
    'cooldown = "1m"': 'cooldown = "0s"',
    "budget_per_day = 4": "budget_per_day = 1000",
    'estimator = "hist_gradient_boosting"': 'estimator = "hist_gradient_boosting"\nwindow = "120d"',
}
"""What lets each month lead to a training of the same size, whenever it comes."""


@dataclass
class Stack:
    """What `make up` has started for a home."""

    home: Path
    process: subprocess.Popen[str]
    ready_seconds: float
    api: httpx.Client

    def ask(self, path: str, **body: Any) -> Any:
        """Ask Prefect, which may be busy for a while: it is one process."""
        response = self.api.post(path, json=body)
        response.raise_for_status()
        return response.json()

    def flow_run(self, flow: str, after: datetime) -> dict[str, Any] | None:
        """Return the first run of `flow` that was asked for after a moment, once it has ended."""
        for found in self.ask("/flow_runs/filter", flows={"name": {"any_": [flow]}}, sort="START_TIME_ASC"):
            is_late = datetime.fromisoformat(found["created"]) > after
            if is_late and found["state_type"] == "COMPLETED":
                return dict(found)
        return None

    def task_run(self, flow_run: dict[str, Any], name: str) -> dict[str, Any]:
        ran = self.ask("/task_runs/filter", flow_runs={"id": {"any_": [flow_run["id"]]}})
        return next(dict(one) for one in ran if one["name"].startswith(name))

    def controller(self) -> psutil.Process:
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return next(one for one in descendants if one.cmdline()[-2:] == ["millrace", "controller"])


def prepare(folder: Path) -> None:
    """Lay out a home and a model that differs from the shipped one in the CHANGES only."""
    (folder / "home").mkdir()
    shutil.copytree(PROJECT_ROOT / "models" / MODEL, folder / "models" / MODEL)
    file = folder / "models" / MODEL / "model.toml"
    text = file.read_text()
    for old, new in CHANGES.items():
        if old not in text:
            raise LookupError(f"{file} has no {old!r} any more")
        text = text.replace(old, new)
    file.write_text(text)


def months(count: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield that many months of flights, oldest first, those of the years after 2013 made of its own."""
    source = load_source(PROJECT_ROOT / "models", MODEL)
    for number in range(count):
        year, month = divmod(number, 12)
        rows = source.read_batch(f"2013-{month + 1:02}")
        yield (
            f"{2013 + year}-{month + 1:02}",
            rows.assign(scheduled_departure=rows["scheduled_departure"] + year * YEAR),
        )


@contextmanager
def standing_up(folder: Path) -> Iterator[Stack]:
    """Run `make up` while the block does, and note how long it took to be ready."""
    ports = {f"MILLRACE_{name}_PORT": str(_free_port()) for name in ("PREFECT", "MLFLOW")}
    env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"), **ports)
    started = time.monotonic()
    process = subprocess.Popen(
        ["make", "up"], cwd=PROJECT_ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said = iter(process.stdout or ())
        next(line for line in said if line.startswith("up after"))
        yield Stack(folder / "home", process, time.monotonic() - started, _client(folder / "home"))
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(DEADLINE_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _client(home: Path) -> httpx.Client:
    text = (home / "var" / "prefect" / "client.env").read_text()
    named = dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))
    values = {name: shlex.split(value)[0] for name, value in named.items()}
    user, _, password = values["PREFECT_API_AUTH_STRING"].partition(":")
    return httpx.Client(base_url=values["PREFECT_API_URL"], auth=(user, password), timeout=60.0)


def deliver(stack: Stack, name: str, rows: pd.DataFrame) -> datetime:
    """Rename a month into the inbox; return when that was."""
    inbox = stack.home / "inbox" / MODEL
    inbox.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(stack.home / "being-written.parquet", index=False)
    at = datetime.now().astimezone()
    (stack.home / "being-written.parquet").rename(inbox / f"{name}.parquet")
    return at


def wait_for(what: str, found: Callable[[], Any]) -> Any:
    until = time.monotonic() + DEADLINE_SECONDS
    while not (answer := found()):
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(0.5)
    return answer


def play_round(stack: Stack, name: str, rows: pd.DataFrame) -> tuple[float, float]:
    """Return the seconds from a file's arrival to its pin, and from the event about it to the training."""
    arrived = deliver(stack, name, rows)
    ingest = wait_for(f"the ingest of {name}", lambda: stack.flow_run("ingest", arrived))
    retrain = wait_for(f"the training on {name}", lambda: stack.flow_run("retrain", arrived))
    pinned = _time(stack.task_run(ingest, "pin the dataset"), "end_time")
    trained = _time(stack.task_run(retrain, "train the challenger"), "start_time")
    return (pinned - arrived).total_seconds(), (trained - _event_after(stack, arrived)).total_seconds()


def _event_after(stack: Stack, moment: datetime) -> datetime:
    wanted = {"event": {"name": ["millrace.data.pinned"]}, "occurred": {"since": moment.isoformat()}}
    [event] = stack.ask("/events/filter", filter=wanted)["events"]
    return datetime.fromisoformat(event["occurred"])


def _time(run_of_task: dict[str, Any], which: str) -> datetime:
    return datetime.fromisoformat(run_of_task[which])


def measure_idle(stack: Stack) -> tuple[float, float]:
    """Return the share of a core, in percent, and the MiB of a controller with nothing to do."""
    controller = stack.controller()
    before = controller.cpu_times()
    time.sleep(IDLE_SECONDS)
    after = controller.cpu_times()
    used = after.user + after.system - before.user - before.system
    return 100.0 * used / IDLE_SECONDS, controller.memory_info().rss / MIB


def measure(rounds: int) -> Report:
    """Start the stack, crown a first champion, and let the months arrive."""
    with tempfile.TemporaryDirectory() as root:
        prepare(Path(root))
        with standing_up(Path(root)) as stack:
            every = months(FIRST_MONTHS + rounds)
            for name, rows in (next(every) for _ in range(FIRST_MONTHS)):
                moment = deliver(stack, name, rows)
            wait_for("the first champion", lambda: stack.flow_run("retrain", moment))
            time.sleep(5)
            taken = [play_round(stack, name, rows) for name, rows in every]
            core, mib = measure_idle(stack)
            ready = stack.ready_seconds
    pinned, event = (statistics.median(one) for one in zip(*taken, strict=True))
    figures = (
        Figure("event to the training's first line, median", event, "s", MOST_EVENT_SECONDS),
        Figure("event to the training's first line, slowest", max(one[1] for one in taken), "s"),
        Figure("file of 27,000 rows in the inbox to its pin, median", pinned, "s", MOST_PIN_SECONDS),
        Figure("file to its pin, slowest", max(one[0] for one in taken), "s"),
        Figure("controller with nothing to do", core, "% of a core", MOST_CORE_PERCENT),
        Figure("controller's memory", mib, "MiB", MOST_MIB),
        Figure("make up to ready", ready, "s", MOST_READY_SECONDS),
    )
    title = f"What happens by itself, {rounds} rounds"
    return make_report("triggers", title, figures, PACKAGES)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
