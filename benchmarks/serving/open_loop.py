"""How long do requests take that come at fixed times, whatever the server does?

A client that waits for an answer before it sends the next request comes to a halt with the server, and
sees one slow answer where all who would have come meanwhile would have waited. Here each request is due at
a time, is sent then by a free connection, or as soon as there is one, and its latency runs from when it was
due.
"""

import asyncio
import contextlib
import gc
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httptools

RECONNECT_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, its times by `time.monotonic()`; status is None where no whole answer came."""

    number: int
    due: float
    sent: float
    done: float
    status: int | None
    body: bytes

    @property
    def latency(self) -> float:
        return self.done - self.due


def request_bytes(path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """Return a JSON request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def precise_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that wakes at the microsecond: epoll and uvloop round up to milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def drive(
    port: int,
    request_of: Callable[[int], bytes],
    rate: float,
    count: int,
    connections: int = 16,
    patience: float = 30.0,
) -> list[Exchange]:
    """Send `count` requests, `rate` each second, over so many kept connections; run it in a `precise_loop`.

    It ends when all are answered or lost, at the latest `patience` seconds after the last was due.
    A connection that breaks is opened again; the request on it is not repeated.
    """
    load = _Load(port, request_of, rate, count)
    opened = [asyncio.create_task(load.connect()) for _ in range(connections)]
    await asyncio.wait(opened, timeout=patience)
    with _no_collection():
        load.begin()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(load.finished.wait(), count / rate + patience)
    load.end()
    return sorted(load.exchanges, key=lambda one: one.number)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector away: it stops the client for tens of milliseconds, which would be the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Load:
    """Which requests are due, and which connections are free."""

    def __init__(self, port: int, request_of: Callable[[int], bytes], rate: float, count: int) -> None:
        self.port, self.request_of, self.rate, self.count = port, request_of, rate, count
        self.loop = asyncio.get_running_loop()
        self.free: deque[_Connection] = deque()
        self.open: set[_Connection] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.exchanges: list[Exchange] = []
        self.finished = asyncio.Event()
        self.start, self.next = 0.0, 0
        self.timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.start = time.monotonic()
        self.pump()

    def due(self, number: int) -> float:
        return self.start + number / self.rate

    def pump(self) -> None:
        """Send all that is due, as far as connections are free."""
        if not self.start:
            return
        while self.free and self.next < self.count and self.due(self.next) <= time.monotonic():
            self.free.popleft().send(self.next, self.due(self.next), self.request_of(self.next))
            self.next += 1
        if self.timer is not None:
            self.timer.cancel()
        if self.free and self.next < self.count:
            wait = self.due(self.next) - time.monotonic()
            self.timer = self.loop.call_later(max(0.0, wait), self.pump)

    def keep(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if len(self.exchanges) == self.count:
            self.finished.set()

    async def connect(self) -> None:
        while not self.finished.is_set():
            try:
                await self.loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                return

    def reconnect(self) -> None:
        if not self.finished.is_set():
            task = self.loop.create_task(self.connect())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    def end(self) -> None:
        """Count as lost what was never answered, sent or not."""
        self.finished.set()
        for connection in list(self.open):
            connection.lose()
        now = time.monotonic()
        for number in range(self.next, self.count):
            self.exchanges.append(Exchange(number, self.due(number), now, now, None, b""))


class _Connection(asyncio.Protocol):
    """One kept connection, with at most one request on it."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._pending: tuple[int, float, float] | None = None
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.open.add(self)
        self._load.free.append(self)
        self._load.pump()

    def send(self, number: int, due: float, request: bytes) -> None:
        self._pending = (number, due, time.monotonic())
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._keep(self._parser.get_status_code(), self._body)
        self._body = b""
        if self._parser.should_keep_alive():
            self._load.free.append(self)
            self._load.pump()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.open.discard(self)
        with contextlib.suppress(ValueError):
            self._load.free.remove(self)
        self._keep(None, self._body)
        self._load.reconnect()

    def lose(self) -> None:
        self._keep(None, self._body)
        self._transport.abort()

    def _keep(self, status: int | None, body: bytes) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._load.keep(Exchange(*pending, time.monotonic(), status, body))
