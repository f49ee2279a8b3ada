"""How long may a client take to say what it wants? uvicorn itself would wait for ever."""

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from millrace.serving.http import JSON, RETRY_AFTER, RefusedError, new_request_id
from millrace.serving.metrics import Metrics
from millrace.serving.sending import refusal_body, whole_answer
from millrace.serving.settings import Limits

TOO_SLOW = RefusedError(408, "slow", "the request took too long to arrive")
TOO_LONG = RefusedError(431, "long_head", "the headers are too long")
TOO_MANY = RefusedError(503, "too_many", "too many connections are open. Try again", headers=RETRY_AFTER)
PIPELINED = RefusedError(429, "pipelined", "too many requests were sent before an answer was read")
NO_HTTP = RefusedError(400, "no_http", "this is not HTTP that can be read")

UNREAD = "unread"
"""Why a connection was cut whose client does not read; no answer would reach it."""
MAX_PIPELINED = 16
"""Requests that wait for the one before them on their connection; clients that wait send none."""

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


class Receiving:
    """The connections, which of them have a request that is not whole yet, and since when."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self._metrics = limits, metrics
        self.begun: dict[DeadlineProtocol, float] = {}
        self.connections: set[DeadlineProtocol] = set()
        self._unread: dict[DeadlineProtocol, tuple[int, float]] = {}
        self.held_bytes = 0
        """Of bodies that are not whole yet."""

    def cut_slow(self, now: float) -> None:
        """Cut every connection whose request began too long ago."""
        late = now - self.limits.receive_seconds
        for protocol in [one for one, begun in self.begun.items() if begun < late]:
            protocol.cut(TOO_SLOW)
        self._cut_unread(now)

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self.connections)

    def _cut_unread(self, now: float) -> None:
        """Cut every connection whose client has taken nothing of what waits for it."""
        before, self._unread = self._unread, {}
        for protocol in list(self.connections):
            waiting = protocol.transport.get_write_buffer_size()
            # one that was closed is not gone before its client has read the rest
            if not waiting and not protocol.transport.is_closing():
                continue
            size, since = before.get(protocol, (waiting, now))
            # more may be written meanwhile, only less is progress
            since = now if waiting < size else since
            self._unread[protocol] = (waiting, since)
            if now - since > self.limits.receive_seconds:
                self.count(UNREAD)
                protocol.transport.abort()

    def count(self, reason: str) -> None:
        """Count a connection that was cut."""
        self._metrics.cut.labels(reason).inc()


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for receiving, and bounds on headers and connections.

    The application that uvicorn has loaded must have a `receiving`.
    """

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._receiving: Receiving = config.loaded_app.receiving
        self._begun = self._receiving.begun
        self._whole: object = None
        self._head_bytes = 0
        self._max_head = self._receiving.limits.max_head_bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._receiving.connections.add(self)
        self._begun[self] = self.loop.time()
        if self._receiving.open > self._receiving.limits.max_connections:
            self.cut(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiving.connections.discard(self)
        self._begun.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_bytes >= 0:
            if b"h2c" in data:
                data = _without_upgrade(data)
            self._head_bytes += len(data)
            # a head that comes in one piece is parsed as soon as it is here
            if self._head_bytes == len(data) > self._max_head and b"\r\n\r\n" not in data[: self._max_head]:
                self.cut(TOO_LONG)
                return
        super().data_received(data)
        # one that came in one packet is over already; behind it another may have begun in that same packet
        if (self._head_bytes or self.scope is not self._whole) and not self.transport.is_closing():
            self._begun.setdefault(self, self.loop.time())
            if self._head_bytes > self._max_head:
                self.cut(TOO_LONG)

    def on_headers_complete(self) -> None:
        self._head_bytes = -1
        if len(self.pipeline) < MAX_PIPELINED:
            super().on_headers_complete()
        elif not self.transport.is_closing():
            self.cut(PIPELINED)

    def on_message_complete(self) -> None:
        self._head_bytes, self._whole = 0, self.scope
        self._begun.pop(self, None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self.cut(NO_HTTP)

    def cut(self, reason: RefusedError) -> None:
        """Say why, and close."""
        self._begun.pop(self, None)
        self._receiving.count(reason.kind)
        if self.transport.is_closing():
            return
        if self._may_say():
            self.transport.write(_last_answer(reason))
        self.transport.close()

    def _may_say(self) -> bool:
        """Whether what is said now cannot be taken for the answer to another request, or for a part of it."""
        if self.cycle is None or self.cycle.response_complete:
            return True
        return self.cycle.more_body and not self.cycle.response_started and not self.pipeline


def _without_upgrade(data: bytes) -> bytes:
    """Hide an offer of HTTP/2, as Java's client makes it: the parser would drop the body behind it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-offer:", head) + end + rest


def _last_answer(refused: RefusedError) -> bytes:
    body = refusal_body(refused, new_request_id())
    told = ((b"content-type", JSON), (b"content-length", b"%d" % len(body)), *refused.headers)
    return whole_answer(refused.status, told, body, is_last=True)
