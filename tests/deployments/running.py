"""`millrace up` as a person starts it: a process of its own, on free ports, in a home of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from millrace.adapters.supervisor import MARK, list_processes
from millrace.settings import PROJECT_ROOT
from tests.conftest import PLANTED

DEADLINE_SECONDS = 120.0
READY = "Ctrl-C stops all of it"
PLACES = ("MILLRACE_", "PREFECT_", "MLFLOW_")


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


@dataclass
class Up:
    """One home, and what runs for it."""

    home: Path
    prefect_port: int
    mlflow_port: int
    serve_port: int
    ui_port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @classmethod
    def lay_out(cls, root: Path) -> "Up":
        """Make a home whose path has a space, with one planted model."""
        up = cls(root / "a home", *free_ports(4))
        up.home.mkdir()
        shutil.copytree(PLANTED / "fares", root / "models" / "fares")
        return up

    @property
    def environment(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(PLACES)}
        models = str(self.home.parent / "models")
        return mine | {
            "MILLRACE_HOME": str(self.home),
            "MILLRACE_MODELS": models,
            "PYTHONDONTWRITEBYTECODE": "",
        }

    @property
    def command(self) -> list[str]:
        ports = ["--prefect-port", str(self.prefect_port), "--mlflow-port", str(self.mlflow_port)]
        ports += ["--serve-port", str(self.serve_port), "--ui-port", str(self.ui_port)]
        return [sys.executable, "-m", "millrace", "up", *ports]

    @property
    def terminal(self) -> str:
        """What has been printed since the last start."""
        return (self.home / "terminal").read_text()

    def start(self) -> None:
        with (self.home / "terminal").open("wb") as terminal:
            self.process = subprocess.Popen(
                self.command, cwd=PROJECT_ROOT, env=self.environment,
                stdout=terminal, stderr=terminal, start_new_session=True,
            )  # fmt: skip
        wait_for(READY, lambda: READY in self.terminal or self.has_ended)
        assert not self.has_ended, self.terminal

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def press_ctrl_c(self) -> int:
        """Send what a terminal sends, to the process group, and return the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(DEADLINE_SECONDS)

    def try_to_start(self, **environment: str) -> str:
        """Start it where it must refuse, and return the error."""
        ended = subprocess.run(
            self.command, cwd=PROJECT_ROOT, env=self.environment | environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 1
        return ended.stderr

    def in_a_shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run `command` in another shell, which has read client.env."""
        return subprocess.run(
            ["sh", "-c", f". '{self.home}/var/prefect/client.env' && {command}"],
            cwd=self.home, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def pid_of(self, *words: str) -> int | None:
        """Return the pid of a process whose command has these words next to each other."""
        for one in psutil.process_iter():
            try:
                command, mark = " ".join(one.cmdline()), one.environ().get(MARK)
            except psutil.Error:
                continue
            if mark == str(self.home) and " ".join(words) in command:
                return int(one.pid)
        return None

    def left(self) -> list[str]:
        return [one.command for one in list_processes(str(self.home))]

    def end(self) -> None:
        """End everything, however the test went."""
        if self.process is not None and not self.has_ended:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(DEADLINE_SECONDS)
        for one in list_processes(str(self.home)):
            os.kill(one.pid, signal.SIGKILL)

    def prefect(self, path: str, *, auth: str | None = None, **body: Any) -> httpx.Response:
        user, _, password = (self.auth if auth is None else auth).partition(":")
        url = f"http://127.0.0.1:{self.prefect_port}/api{path}"
        return httpx.post(url, json=body, auth=(user, password))

    @property
    def auth(self) -> str:
        return (self.home / "var" / "prefect" / "auth").read_text().strip()

    def schedules(self) -> set[tuple[str, str]]:
        """List the flows that Prefect has a schedule of, each with the model it is of."""
        flows = {one["id"]: one["name"] for one in self.prefect("/flows/filter").json()}
        return {
            (flows[one["flow_id"]], schedule["parameters"]["model"])
            for one in self.prefect("/deployments/filter").json()
            for schedule in one["schedules"]
        }

    def states(self, flow: str) -> list[str]:
        """List the states of the flow's runs, or nothing when Prefect does not answer."""
        try:
            found = self.prefect("/flow_runs/filter", flows={"name": {"any_": [flow]}})
        except httpx.HTTPError:
            return []
        return [run["state_type"] for run in found.json()] if found.is_success else []
