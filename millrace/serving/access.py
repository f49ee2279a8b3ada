"""Who may come in, and what is written about who came?"""

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from millrace.serving.http import Head, RefusedError

if TYPE_CHECKING:
    from millrace.adapters.tokens import TokenBook

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""What a load balancer asks has no token."""


class Gatekeeper:
    """Lets in who names one of our hosts and, where there are tokens, has one."""

    def __init__(self, tokens: "TokenBook", hosts: tuple[str, ...], *, needs_token: bool) -> None:
        self._tokens, self._needs_token = tokens, needs_token
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._is_open_to_all = b"*" in self._hosts
        self.refresh()

    def admit(self, head: Head, path: str) -> None:
        """Let the request in.

        Raises
        ------
        RefusedError
            400 for another host, 401 without a token that is known.
        """
        if not (self._is_open_to_all or (head.hosts == 1 and self._is_ours(head.host))):
            found = head.host.decode("latin-1")[:100] or "none"
            raise RefusedError(
                400, "host", f"host: found {found!r}, which is not one this service answers for"
            )
        if not self._needs_token or path in OPEN_PATHS:
            return
        scheme, _, token = head.authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not self._tokens.allows(token.strip()):
            raise RefusedError(
                401,
                "unauthorised",
                "authorization: needed is 'Bearer TOKEN' with a token of `millrace token create`",
                headers=((b"www-authenticate", b"Bearer"),),
            )

    @property
    def needs_token(self) -> bool:
        """Whether a request must have one."""
        return self._needs_token

    def refresh(self) -> None:
        """Close the door where there are tokens now; done each second."""
        # once there was a token it stays closed: to revoke the last one must not open it
        self._needs_token = self._needs_token or self._tokens.count > 0 or self._tokens.trouble is not None

    def _is_ours(self, host: bytes) -> bool:
        host = host.lower()
        if host in self._hosts:
            return True
        name, colon, port = host.rpartition(b":")
        return bool(colon) and port.isdigit() and name in self._hosts


class _Line(msgspec.Struct, gc=False):
    at: float
    request_id: str
    method: str
    route: str
    model: str
    status: int
    seconds: float


class AccessLog:
    """One JSON line per request on standard output, without what was asked or answered."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._encode_lines = msgspec.json.Encoder().encode_lines

    def add(self, request_id: str, method: str, route: str, model: str, status: int, seconds: float) -> None:
        """Note a request; it is written within a second."""
        self._lines.append(_Line(time.time(), request_id, method, route, model, status, seconds))

    def flush(self) -> None:
        """Write what was noted."""
        if self._lines:
            lines, self._lines = self._lines, []
            # a full disk behind standard output must not end what else is done each second
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(self._encode_lines(lines))
                sys.stdout.buffer.flush()
