"""How many requests does a server answer, when sixteen connections each send the next one at once?"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import FailedProcessError
from benchmarks.serving.process import LOAD_CORE

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("post.lua")


class NoLoadGeneratorError(Exception):
    """wrk is not on this machine."""

    def __init__(self) -> None:
        super().__init__("found no wrk on the PATH, which sends the requests. Run `apt-get install wrk`")


class FailedRequestsError(Exception):
    """A server refused requests, or broke connections: the speed of failing is no figure."""

    def __init__(self, url: str, requests: int, refused: int, broken: int) -> None:
        super().__init__(f"{url}: of {requests} requests {refused} were refused, {broken} broke off")


@dataclass(frozen=True)
class Load:
    """What one measurement found; latencies are from the sending of a request to its answer."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def find_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise NoLoadGeneratorError
    return found


def measure_load(url: str, bodies: Path, seconds: float) -> Load:
    """Send the bodies of a file, one a line, in turn, for so long.

    Raises
    ------
    FailedRequestsError
        If a single one was not answered with success.
    """
    command = ["taskset", "--cpu-list", str(LOAD_CORE), find_wrk(), "--threads", "1"]
    command += ["--connections", str(CONNECTIONS), "--duration", f"{max(1, round(seconds))}s"]
    command += ["--timeout", "10s", "--script", str(SCRIPT), url, "--", str(bodies)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode != 0 or not printed.startswith("{"):
        raise FailedProcessError(command, done.returncode, done.stdout + done.stderr)
    found = json.loads(printed)
    if found["refused"] or found["broken"] or not found["requests"]:
        raise FailedRequestsError(url, found["requests"], found["refused"], found["broken"])
    return Load(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"])
