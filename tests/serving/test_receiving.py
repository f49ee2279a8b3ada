"""How much of what clients send is held at once, and is it let go of again?"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from millrace.serving.http import ClientGoneError, Head, RefusedError, read_body
from millrace.serving.metrics import Metrics
from millrace.serving.receiving import Receiving
from millrace.serving.settings import Limits

LIMITS = Limits(max_body_bytes=100, max_held_bytes=150)


class Sender:
    """A client that sends its body in pieces, each when it is told to."""

    def __init__(self, *pieces: bytes, hangs_up: bool = False) -> None:
        self.pieces, self.hangs_up = list(pieces), hangs_up
        self.turn = asyncio.Semaphore(0)

    async def __call__(self) -> MutableMapping[str, Any]:
        await self.turn.acquire()
        if not self.pieces:
            return {"type": "http.disconnect"}
        body = self.pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces) or self.hangs_up}

    def go_on(self, pieces: int = 1) -> None:
        for _ in range(pieces):
            self.turn.release()


@pytest.fixture
def receiving() -> Receiving:
    return Receiving(LIMITS, Metrics())


def test_a_body_in_pieces_is_whole_and_then_no_longer_held(receiving: Receiving) -> None:
    async def send() -> bytes:
        sender = Sender(b"a" * 40, b"b" * 40)
        reading = asyncio.ensure_future(read_body(sender, Head(), receiving))
        sender.go_on()
        while not receiving.held_bytes:
            await asyncio.sleep(0)
        assert receiving.held_bytes == 40
        sender.go_on()
        return await reading

    assert asyncio.run(send()) == b"a" * 40 + b"b" * 40
    assert receiving.held_bytes == 0


def test_many_large_bodies_at_once_are_refused_before_they_fill_the_memory(receiving: Receiving) -> None:
    async def send() -> None:
        slow = Sender(b"a" * 90, b"a")
        reading = asyncio.ensure_future(read_body(slow, Head(), receiving))
        slow.go_on()
        while not receiving.held_bytes:
            await asyncio.sleep(0)
        other = Sender(b"b" * 50, b"b" * 30)
        other.go_on(2)
        with pytest.raises(RefusedError, match="too many large bodies") as refused:
            await read_body(other, Head(), receiving)
        assert (refused.value.status, dict(refused.value.headers)[b"retry-after"]) == (503, b"1")
        slow.go_on()
        assert len(await reading) == 91

    asyncio.run(send())
    assert receiving.held_bytes == 0


def test_a_client_that_hangs_up_leaves_nothing_held(receiving: Receiving) -> None:
    async def send() -> None:
        sender = Sender(b"a" * 40, hangs_up=True)
        sender.go_on(2)
        await read_body(sender, Head(), receiving)

    with pytest.raises(ClientGoneError):
        asyncio.run(send())
    assert receiving.held_bytes == 0


def test_a_body_in_pieces_that_grows_too_large_is_refused_and_let_go(receiving: Receiving) -> None:
    async def send() -> None:
        sender = Sender(b"a" * 60, b"a" * 60, b"a")
        sender.go_on(3)
        await read_body(sender, Head(), receiving)

    with pytest.raises(RefusedError, match="allowed are 100"):
        asyncio.run(send())
    assert receiving.held_bytes == 0
