"""The real commands, each killed once in the middle of its flow and given again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from prefect.settings import PREFECT_API_URL

from millrace.settings import PROJECT_ROOT
from tests.faults.outcome import assert_ingested_once, assert_retrained_once
from tests.faults.tides import MODEL


def millrace(
    point: str | None, *arguments: str, server: str | None = None
) -> "subprocess.CompletedProcess[str]":
    start = [sys.executable, "-c", "from millrace.cli.main import main; main()"]
    killed = [sys.executable, "-m", "tests.faults.killed_command", str(point)]
    command = [*(start if point is None else killed), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    if server is not None:
        environment["PREFECT_API_URL"] = server
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )


def servers_of(home: Path) -> list[psutil.Process]:
    """Return the Prefect servers that commands have started for this installation."""
    return [process for process in psutil.process_iter() if _is_server_of(process, home)]


def _is_server_of(process: psutil.Process, home: Path) -> bool:
    try:
        return (
            "flows.server" in process.cmdline()
            and process.environ().get("MILLRACE_HOME") == str(home)
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def assert_no_server_is_left(home: Path) -> None:
    deadline = time.monotonic() + 30
    while servers_of(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert servers_of(home) == []


def test_an_ingest_killed_in_its_flow_is_completed_by_the_next_and_leaves_no_server(tides_home: Path) -> None:
    assert millrace("accepted, claim not finished", "ingest", MODEL).returncode == -signal.SIGKILL
    again = millrace(None, "ingest", MODEL)
    assert (again.returncode, again.stderr) == (0, "")
    assert_ingested_once(tides_home)
    assert_no_server_is_left(tides_home)


@pytest.mark.usefixtures("prefect_server")
def test_a_retraining_killed_in_its_flow_is_completed_by_the_next(ingested_home: Path) -> None:
    server = PREFECT_API_URL.value()
    assert millrace("nothing published", "retrain", MODEL, server=server).returncode == -signal.SIGKILL
    again = millrace(None, "retrain", MODEL, server=server)
    assert (again.returncode, again.stderr) == (0, "")
    assert_retrained_once(ingested_home)
