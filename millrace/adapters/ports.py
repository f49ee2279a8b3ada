"""Is a port of this machine free, and if not, who has it?"""

import errno
import socket

import psutil

from millrace.errors import MillraceError
from millrace.settings import LOOPBACK


class PortTakenError(MillraceError):
    """A port that a program is to listen on cannot be had."""

    def __init__(self, port: int, holder: str, option: str) -> None:
        self.port, self.holder, self.option = port, holder, option
        super().__init__(f"port {port} of {LOOPBACK} {holder}. Choose another one by {option}")


def ensure_free(port: int, option: str) -> None:
    """Refuse a port that cannot be listened on.

    Raises
    ------
    PortTakenError
        With who has it, and the `option` that changes it.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            probe.listen()
    except OSError as error:
        is_held = error.errno == errno.EADDRINUSE
        found = _describe_holder(port) if is_held else f"cannot be used: {error.strerror}"
        raise PortTakenError(port, found, option) from error


def _describe_holder(port: int) -> str:
    process = _find_listener(port)
    if process is None:
        return "is held by a process of another user"
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        command = process.name()
    return f"is held by pid {process.pid} ({command[:100]}); end it by `kill {process.pid}`"


def _find_listener(port: int) -> psutil.Process | None:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes' ports to root only
        return None
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid is not None:
            return psutil.Process(one.pid)
    return None
