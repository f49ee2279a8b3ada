"""Clients that take for ever to say what they want are cut, and nobody else notices."""

import asyncio
import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from benchmarks.serving.open_loop import Exchange, drive
from millrace.domain.pointer import Durability
from tests.serving.service import RunningService, running_service, wait_for
from tests.serving.under_load import home_with, limited, request, total

RATE = 100.0
MIB = 1 << 20
MAX_GROWTH_MIB = 64
"""500 connections with half a request each are a few megabytes."""

WHOLE = request(1)
HEAD, BODY = WHOLE.split(b"\r\n\r\n", 1)


@dataclass
class Slow:
    """Connections that are slow each in one of these ways, opened again as often as they are cut."""

    port: int
    pause_seconds: float
    cuts: Counter[str] = field(default_factory=Counter)
    said: Counter[bytes] = field(default_factory=Counter)

    async def be_slow(self, way: str) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            saying = asyncio.create_task(self._say(way, writer))
            try:
                self.said[(await _all(reader)).partition(b"\r\n")[0]] += 1
                self.cuts[way] += 1
            finally:
                saying.cancel()
                writer.transport.abort()

    async def _say(self, way: str, writer: asyncio.StreamWriter) -> None:
        at_once, slowly = {
            "nothing": (b"", b""),
            "a head byte by byte": (b"", WHOLE),
            "a body byte by byte": (HEAD + b"\r\n\r\n", BODY),
            "half a head": (HEAD[:40], b""),
            "half a body": (HEAD + b"\r\n\r\n" + BODY[:20], b""),
        }[way]
        writer.write(at_once)
        for byte in slowly:
            writer.write(bytes([byte]))
            await asyncio.sleep(self.pause_seconds)


WAYS = ("nothing", "a head byte by byte", "a body byte by byte", "half a head", "half a body")


async def _all(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(OSError):
        return await reader.read()
    return b""


async def disturb(slow: Slow, connections: int, seconds: float) -> list[Exchange]:
    tasks = [
        asyncio.create_task(slow.be_slow(way)) for _, way in zip(range(connections), itertools.cycle(WAYS))
    ]
    try:
        return await drive(slow.port, request, RATE, int(RATE * seconds))
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ended} == {asyncio.CancelledError}


@pytest.mark.parametrize(
    ("connections", "seconds", "deadline"),
    [(20, 6, 2.0), pytest.param(500, 60, 15.0, marks=pytest.mark.slow)],
)
def test_slow_clients_are_cut_and_counted_while_others_are_answered(
    tmp_path: Path,
    connections: int,
    seconds: int,
    deadline: float,
    record_property: Callable[[str, object], None],
) -> None:
    home, _ = home_with(tmp_path, 1, durability=Durability.FAST)
    with running_service(home, command=limited(home, receive_seconds=deadline)) as service:
        before = psutil.Process(service.process.pid).memory_info().rss / MIB
        # a request takes four times as long as it may
        slow = Slow(service.port, 4 * deadline / len(BODY))
        exchanges = asyncio.run(disturb(slow, connections, seconds))
        grown = psutil.Process(service.process.pid).memory_info().rss / MIB - before
        counted = total(service, "millrace_cut_connections_total", reason="slow")
    assert Counter(exchange.status for exchange in exchanges) == {200: len(exchanges)}
    assert all(slow.cuts[way] >= connections / len(WAYS) for way in WAYS)
    # a byte that crosses the close makes the client's system forget what the service said
    assert set(slow.said) <= {b"HTTP/1.1 408 Request Timeout", b""}
    assert slow.said[b""] < slow.cuts.total() / 4
    assert counted >= slow.cuts.total()
    assert grown < MAX_GROWTH_MIB
    record_property("cut", slow.cuts.total())
    record_property("answered", len(exchanges))
    record_property("slowest_seconds", round(max(exchange.latency for exchange in exchanges), 4))
    record_property("grown_mib", round(grown, 1))


GET = b"GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
READERS, DEADLINE = 8, 3.0


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[RunningService]:
    """A service that does not wait for long."""
    home, _ = home_with(tmp_path, 1, durability=Durability.FAST)
    with running_service(home, command=limited(home, receive_seconds=DEADLINE)) as service:
        yield service


def test_a_request_that_begins_in_the_packet_of_another_has_a_deadline(
    hasty: RunningService,
) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        connection.sendall(GET % b"/healthz" + HEAD + b"\r\n\r\n" + BODY[:1])
        found = b""
        while chunk := connection.recv(65_536):
            found += chunk
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in found


def test_more_requests_than_wait_for_an_answer_are_not_taken(hasty: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        connection.sendall(GET % b"/healthz" * 2_000)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(65_536):
                pass
    assert total(hasty, "millrace_cut_connections_total", reason="pipelined") == 1


def ask_more(connections: list[socket.socket]) -> list[socket.socket]:
    """Ask on each connection without reading, and return those that are still there."""
    there = []
    for connection in connections:
        try:
            connection.send(GET % b"/openapi.json" * 8)
        except BlockingIOError:
            there.append(connection)
        except ConnectionError:
            continue
        else:
            there.append(connection)
    return there


def test_clients_that_ask_and_do_not_read_are_cut_while_others_are_answered(hasty: RunningService) -> None:
    before = psutil.Process(hasty.process.pid).memory_info().rss / MIB
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.socket()) for _ in range(READERS)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", hasty.port))
            connection.setblocking(False)

        def all_are_gone() -> bool:
            connections[:] = ask_more(connections)
            return not connections

        wait_for(all_are_gone, "all of them to be cut")
        exchanges = asyncio.run(drive(hasty.port, request, RATE, int(RATE)))
        grown = psutil.Process(hasty.process.pid).memory_info().rss / MIB - before
    assert Counter(exchange.status for exchange in exchanges) == {200: len(exchanges)}
    assert total(hasty, "millrace_cut_connections_total", reason="unread") > 0
    assert grown < MAX_GROWTH_MIB
