"""Prefect's server, its worker and our controller on one home, each a process that may be killed."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from millrace.settings import PROJECT_ROOT

DEADLINE_SECONDS = 120
PREFECT = [str(Path(sys.executable).parent / "prefect")]
MILLRACE = [sys.executable, "-m", "millrace"]


@dataclass
class Stack:
    """The processes of one installation, by name; each starts in a session of its own."""

    home: Path
    models: Path
    more_environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    auth: str = field(default_factory=lambda: f"tests:{secrets.token_hex(8)}")
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        (self.home / "var" / "log").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "MILLRACE_HOME": str(self.home),
            "MILLRACE_MODELS": str(self.models),
            "PREFECT_HOME": str(self.home / "var" / "prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_API_AUTH_STRING": self.auth,
            "PREFECT_SERVER_API_AUTH_STRING": self.auth,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            "PREFECT_LOGGING_LEVEL": "INFO",
            "PYTHONDONTWRITEBYTECODE": "",
            **self.more_environment,
        }

    def start(self, name: str) -> None:
        """Start `server`, `worker` or `controller` (a second one by another name that starts so)."""
        self.launch(name)
        if name == "server":
            wait_for("the server", self.is_up)

    def launch(self, name: str) -> None:
        """Start a process, and wait for nothing."""
        command = {
            "server": [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)],
            "worker": [
                *PREFECT,
                "worker",
                "start",
                "--pool",
                "millrace",
                "--type",
                "process",
                "--limit",
                "2",
            ],
            "controller": [*MILLRACE, "controller"],
        }[name.partition(" ")[0]]
        with (self.home / "var" / "log" / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process the hard way, with everything it has started."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):  # it has ended by itself, and left nothing behind
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MILLRACE, *arguments],
            cwd=PROJECT_ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def log(self, name: str) -> str:
        return (self.home / "var" / "log" / f"{name}.log").read_text()

    def is_up(self) -> bool:
        try:
            return self._client().get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def post(self, path: str, **body: Any) -> Any:
        """Post until the server has time for it: on SQLite it says 503 when it is too busy to write."""
        busy, response = httpx.codes.SERVICE_UNAVAILABLE, self._client().post(path, json=body)
        if response.status_code == busy:
            response = wait_for("the server to have time", lambda: self._post_unless(busy, path, body))
        response.raise_for_status()
        return response.json()

    def _post_unless(self, busy: int, path: str, body: dict[str, Any]) -> httpx.Response | None:
        response = self._client().post(path, json=body)
        return None if response.status_code == busy else response

    def get(self, path: str) -> Any:
        response = self._client().get(path)
        response.raise_for_status()
        return response.json()

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a flow run as Prefect knows it."""
        found: dict[str, Any] = self.get(f"/flow_runs/{run_id}")
        return found

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """List the runs of a flow as Prefect knows them, in the order they were made."""
        found: list[dict[str, Any]] = self.post(
            "/flow_runs/filter", flows={"name": {"any_": [flow]}}, sort="EXPECTED_START_TIME_ASC"
        )
        return found

    def alive(self) -> list[dict[str, Any]]:
        """List the flow runs that have still to end."""
        states = {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED"]}}
        found: list[dict[str, Any]] = self.post("/flow_runs/filter", flow_runs={"state": states})
        return found

    def emit(self, event: str, about: str, **payload: Any) -> None:
        """Send an event as anybody could."""
        self.send(make_event(event, about, payload))

    def send(self, event: dict[str, Any]) -> None:
        """Send a whole event; sent again, it is the same one."""
        self._client().post("/events", json=[event]).raise_for_status()

    def _client(self) -> httpx.Client:
        user, password = self.auth.split(":")
        return httpx.Client(base_url=self.url, auth=(user, password), timeout=DEADLINE_SECONDS)


def make_event(event: str, about: str, payload: dict[str, Any], seconds_ago: float = 0.0) -> dict[str, Any]:
    """Make an event of Prefect's about a model, as anybody could."""
    occurred = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))
    resource = {"prefect.resource.id": f"millrace.model.{about}"}
    return {
        "event": event, "occurred": occurred, "resource": resource, "payload": payload, "id": str(uuid4())
    }  # fmt: skip


def wait_for(what: str, holds: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """Return what `holds` gives once that is something; fail when it does not become so."""
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, f"still waiting for {what}"
        time.sleep(0.1)
    return found


@contextmanager
def running(stack: Stack, *names: str) -> Iterator[Stack]:
    """Have these processes run while the block does, and none afterwards."""
    try:
        for name in names:
            stack.start(name)
            if name == "server":
                deployed = stack.verb("deploy")
                assert deployed.returncode == 0, deployed.stderr
        yield stack
    finally:
        for name in list(stack.processes):
            stack.kill(name)
