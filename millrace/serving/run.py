"""How does a service listen, with one process or several?"""

import logging
import os
import sys
import tempfile
from contextlib import nullcontext
from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec

from millrace.adapters.channel_source import ChannelSource
from millrace.adapters.keys import load_verifier
from millrace.adapters.tokens import TokenBook
from millrace.errors import MillraceError
from millrace.serving.listening import listen
from millrace.serving.metrics import MULTIPROCESS
from millrace.serving.settings import ServiceSettings

if TYPE_CHECKING:
    from millrace.serving.app import Application

LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
SETTINGS = "MILLRACE_SERVICE"
"""Where a worker finds the settings that its parent was started with."""
GRACE_SECONDS = 10
BACKLOG = 4096
KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 seconds after which usual proxies close: who closes first can lose a request."""


class ExposedWithoutTokensError(MillraceError):
    """A service was to listen to other machines with no token to ask them for."""

    def __init__(self, host: str, found: str) -> None:
        self.host, self.found = host, found
        super().__init__(
            f"{host} can be reached by other machines, and {found}. "
            "Create a token by `millrace token create NAME`, or listen on 127.0.0.1"
        )


def run(settings: ServiceSettings, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that are being answered are answered first.

    Raises
    ------
    ExposedWithoutTokensError, MissingKeyError, UnusableAddressError
        Before anything listens.
    """
    load_verifier(settings.public_key)
    ChannelSource(settings.channel, settings.models)
    if not is_loopback(host):
        _ensure_tokens(settings, host)
        settings = msgspec.structs.replace(settings, needs_token=True)
    os.environ[SETTINGS] = settings.to_json()
    with tempfile.TemporaryDirectory(prefix="millrace-metrics-") if workers > 1 else nullcontext() as folder:
        if folder is not None:
            os.environ[MULTIPROCESS] = folder
        listen(
            "millrace.serving.run:create_app",
            host,
            port,
            GRACE_SECONDS,
            factory=True,
            workers=workers,
            loop="uvloop",
            http="millrace.serving.receiving:DeadlineProtocol",
            lifespan="on",
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )


def create_app() -> "Application":
    """Make the application of one process, from the settings in the environment."""
    from millrace.serving.app import Application
    from millrace.serving.service import Service

    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("millrace").setLevel(logging.INFO)
    return Application(Service(ServiceSettings.from_json(os.environ[SETTINGS])))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def hosts_of(host: str) -> tuple[str, ...]:
    """Return the names that a client of a service on `host` uses when nobody says otherwise."""
    return LOOPBACK if is_loopback(host) else (host, *LOOPBACK)


def _ensure_tokens(settings: ServiceSettings, host: str) -> None:
    book = TokenBook(settings.tokens)
    if not book.count:
        raise ExposedWithoutTokensError(host, book.trouble or f"there is no token in {settings.tokens}")
