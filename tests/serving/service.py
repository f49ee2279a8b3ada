"""A prediction service as users run it: a process of its own, on a home with published bundles."""

import contextlib
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from millrace.adapters.bundle import write_bundle
from millrace.adapters.channel import bundles_folder, publish_pointer
from millrace.adapters.keys import ensure_keys, sign
from millrace.domain.bundle import Manifest, digests_of
from millrace.domain.canonical import canonical_json
from millrace.domain.pointer import Arm, ArmRole, Pointer, ServingSettings
from millrace.settings import PROJECT_ROOT

READY_SECONDS = 60.0
Packed = tuple[Manifest, dict[str, bytes]]


def changed(packed: Packed, name: str, change: Callable[[Any], Any]) -> Packed:
    """Return a bundle whose own digests are right and whose file `name` is another."""
    files = {**packed[1], name: canonical_json(change(json.loads(packed[1][name]))).encode()}
    return dataclasses.replace(packed[0], files=digests_of(files)), files


@dataclass
class ServiceHome:
    """A `MILLRACE_HOME` of which a service needs no more than a channel and a key."""

    path: Path
    generations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.channel, self.keys = self.path / "var/channel", self.path / "var/keys"
        self.predictions, self.tokens = self.path / "var/predictions", self.keys / "tokens.json"
        self.channel.mkdir(parents=True)
        ensure_keys(self.keys)

    def add(self, model: str, packed: Packed) -> str:
        manifest, files = packed
        return write_bundle(bundles_folder(self.channel), dataclasses.replace(manifest, model=model), files)

    def publish(self, model: str, *arms: str | Arm, settings: ServingSettings | None = None) -> int:
        full = tuple(Arm(arm, ArmRole.ANSWER, 100) if isinstance(arm, str) else arm for arm in arms)
        generation = self.generations[model] = self.generations.get(model, 0) + 1
        pointer = Pointer(model, generation, full, "f" * 64, generation, settings or ServingSettings())
        publish_pointer(self.channel, pointer, partial(sign, self.keys))
        return generation


@dataclass
class Answer:
    """What a service said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningService:
    """A service that listens."""

    process: subprocess.Popen[bytes]
    port: int
    home: ServiceHome
    said: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request on a connection of its own; what is no bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {} if body is None else {"content-type": "application/json"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with contextlib.closing(connection):
            connection.request(method, path, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.ask("POST", path, body, headers)

    def metric(self, sample: str) -> float:
        """Return the value of a sample, written as in the exposition; 0 where there is none."""
        lines = self.get("/metrics").body.decode().splitlines()
        return next((float(line[len(sample) :]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End the service in order; what it still answers it answers."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def running_service(
    home: ServiceHome, *flags: str, command: tuple[str, ...] = ("-m", "millrace")
) -> Iterator[RunningService]:
    """Run `millrace serve` on `home` until the block ends; it is ready when the block begins."""
    port, said = free_port(), home.path / "said"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    with said.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command, "serve", "--port", str(port), *flags],
            cwd=PROJECT_ROOT,
            env={**clean, "MILLRACE_HOME": str(home.path)},
            stdout=output,
            stderr=output,
        )
    service = RunningService(process, port, home, said)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        if process.poll() is None:
            service.stop()


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """Return what `found` finds, once it does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited {READY_SECONDS:.0f} s for {what}")


def _wait_until_ready(service: RunningService) -> None:
    def is_ready() -> bool:
        assert service.process.poll() is None, service.said.read_text("utf-8")
        with contextlib.suppress(OSError, http.client.HTTPException):
            found = service.get("/readyz")
            return found.status == 200 and set(found.json["models"]) >= set(service.home.generations)
        return False

    wait_for(is_ready, f"the service: {service.said}")
