"""How is a server run on one core, until it answers and until it is gone?"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.process import environment
from millrace.settings import OMP_WAIT_POLICY, PROJECT_ROOT, TELEMETRY_OFF

SERVER_CORE, LOAD_CORE = (sorted(os.sched_getaffinity(0)) * 2)[:2]
READY_SECONDS = 60.0
ENDING_SECONDS = 10.0
MIB = 1 << 20

QUIET = {**TELEMETRY_OFF, "BENTOML_DO_NOT_TRACK": "True", "OMP_WAIT_POLICY": OMP_WAIT_POLICY}


class UnreadyServerError(Exception):
    """A server that was to be measured ended, or did not get ready."""

    def __init__(self, command: Sequence[str], said: str) -> None:
        super().__init__(f"{' '.join(command)} did not get ready:\n{said}")


@dataclass(frozen=True)
class Running:
    """A server that answers on this port of 127.0.0.1."""

    port: int
    process: psutil.Process
    ready_seconds: float

    @property
    def memory_mib(self) -> float:
        """What all its processes hold in memory."""
        return float(sum(one.memory_info().rss for one in _tree(self.process)) / MIB)


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, ready: str, log: Path, changes: Mapping[str, str]
) -> Iterator[Running]:
    """Run a server and all it starts on one core while the block does; `ready` is the path it is asked."""
    pinned, started = ["taskset", "--cpu-list", str(SERVER_CORE), *command], time.perf_counter()
    with log.open("wb") as said:
        server = psutil.Popen(
            pinned,
            cwd=PROJECT_ROOT,
            env=environment(**QUIET, **changes),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _answers(port, ready):
            if server.poll() is not None or time.perf_counter() - started > READY_SECONDS:
                raise UnreadyServerError(command, log.read_text(errors="replace")[-3000:])
            time.sleep(0.005)
        yield Running(port, server, time.perf_counter() - started)
    finally:
        _end(server)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _end(server: psutil.Process) -> None:
    everything = _tree(server)
    with contextlib.suppress(psutil.NoSuchProcess):
        server.send_signal(signal.SIGTERM)
    _, left = psutil.wait_procs(everything, timeout=ENDING_SECONDS)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left, timeout=ENDING_SECONDS)
