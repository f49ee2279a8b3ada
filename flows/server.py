"""Prefect's API for one process where none is named: it starts while that process imports, and ends with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from millrace.errors import MillraceError

LOG_FILE = "server.log"
PROFILES_FILE = "profiles.toml"

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
    `needed_later` are imported while it starts, and nobody waits for its end.
    """
    if not _is_configured():
        server, url = _start()
        for module in needed_later:
            import_module(module)
        os.environ["PREFECT_API_URL"] = url
        _await(server, url)
    yield


def _is_configured() -> bool:
    if "PREFECT_API_URL" in os.environ:
        return True
    home = os.environ.get("PREFECT_HOME")
    return home is None or (Path(home) / PROFILES_FILE).exists()
