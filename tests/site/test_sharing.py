"""Do many readers at once cost more than a few?"""

import asyncio
from datetime import datetime
from threading import Event

from millrace.site.sharing import Shared
from tests.conftest import NOON


class Looks:
    """A look that takes until it is let go, and knows how often it was taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.has_begun, self.may_end = Event(), Event()

    def __call__(self, now: datetime, model: str) -> tuple[int, datetime, str]:
        self.taken.append(model)
        self.has_begun.set()
        self.may_end.wait(60)
        return len(self.taken), now, model


async def _ask_while_the_first_looks(looks: Looks, *models: str) -> list[tuple[int, datetime, str]]:
    shared = Shared(looks)
    first = asyncio.create_task(shared(lambda: NOON, model="fares"))
    await asyncio.to_thread(looks.has_begun.wait, 60)
    others = [asyncio.create_task(shared(lambda: NOON, model=model)) for model in models]
    await asyncio.sleep(0)  # all of them wait now
    looks.may_end.set()
    return [await first, *await asyncio.gather(*others)]


def test_whoever_waits_while_another_looks_shares_the_next_look_never_the_one_that_had_begun() -> None:
    looks = Looks()
    found = asyncio.run(_ask_while_the_first_looks(looks, *["fares"] * 5))
    assert looks.taken == ["fares", "fares"]
    assert found == [(1, NOON, "fares"), *[(2, NOON, "fares")] * 5]


def test_nobody_is_shown_another_model() -> None:
    looks = Looks()
    found = asyncio.run(_ask_while_the_first_looks(looks, "flights", "fares", "flights"))
    assert [model for _, _, model in found] == ["fares", "flights", "fares", "flights"]


def test_who_asks_later_sees_what_is_so_later() -> None:
    looks = Looks()
    looks.may_end.set()

    async def ask_twice() -> list[tuple[int, datetime, str]]:
        shared = Shared(looks)
        return [await shared(lambda: NOON, model="fares") for _ in range(2)]

    assert [number for number, _, _ in asyncio.run(ask_twice())] == [1, 2]
