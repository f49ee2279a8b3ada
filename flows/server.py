"""Prefect's API for one process where none is named: it starts while that one imports, and ends with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

from millrace.errors import MillraceError

LOG_FILE = "server.log"
PROFILES_FILE = "profiles.toml"
STARTUP_SECONDS = 60

_SERVER_SETTINGS = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}
"""What Prefect itself sets for the server it starts when a flow finds none."""


class ServerNotStartedError(MillraceError):
    """Prefect's server for this process ended before it answered."""

    def __init__(self, log: Path, reason: str) -> None:
        self.log, self.reason = log, reason
        super().__init__(
            f"Prefect's server did not start: {reason}; its last words are in {log}. "
            "Name a running server by PREFECT_API_URL, or run `millrace doctor`"
        )


@contextmanager
def prefect_server(*needed_later: str) -> Iterator[None]:
    """Give the block a Prefect API: the configured one, or a server that lives as long as this process.

    Prefect would start one too, but at the first flow, after importing all of the server into
    this process (1.7 s), then waiting for it (2.5 s) and for its end (2 s). Here the modules
    `needed_later` are imported while it starts, and nobody waits for its end. Nothing may have
    imported Prefect before: it reads its settings once.
    """
    if not _is_configured():
        server, url = _start()
        os.environ["PREFECT_API_URL"] = url
        for module in needed_later:
            import_module(module)
        _await(server, url)
        with _without_heartbeats():
            yield
    else:
        yield


@contextmanager
def _without_heartbeats() -> Iterator[None]:
    """Nobody listens to them on such a server, and each flow waits up to a second for their thread."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def _is_configured() -> bool:
    # Where Prefect was imported before, as in tests, it has read its settings: they stand.
    if "PREFECT_API_URL" in os.environ or "prefect" in sys.modules:
        return True
    home = os.environ.get("PREFECT_HOME")
    return home is None or (Path(home) / PROFILES_FILE).exists()


@cache
def _start() -> tuple[subprocess.Popen[bytes], str]:
    """Start the server on a socket that listens already: a request that comes early waits in it."""
    home = Path(os.environ["PREFECT_HOME"])
    with socket.create_server(("127.0.0.1", 0)) as listening, (home / LOG_FILE).open("wb") as log:
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "flows.server", str(listening.fileno())],
            stdin=subprocess.PIPE,  # never written to: it closes when this process ends, however it does
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **_SERVER_SETTINGS},
            pass_fds=[listening.fileno()],
            start_new_session=True,  # Ctrl-C is for the flow, whose end the server has to hear of
        )
        return server, f"http://127.0.0.1:{listening.getsockname()[1]}/api"


def _await(server: subprocess.Popen[bytes], url: str) -> None:
    log = Path(os.environ["PREFECT_HOME"]) / LOG_FILE
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=STARTUP_SECONDS):  # noqa: S310
            pass
    except OSError as error:
        server.kill()
        raise ServerNotStartedError(log, str(error)) from error


def _serve(descriptor: int) -> None:
    import uvicorn

    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(
        "prefect.server.api.server:create_app", factory=True, fd=descriptor, log_level="error", lifespan="on"
    )


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
