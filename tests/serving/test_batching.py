"""Are rows answered together when they come together, and at once when they come alone?"""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from millrace.domain.prediction import Answer
from millrace.serving.batching import INLINE_ROWS, MAX_ROWS, Batcher
from millrace.serving.requests import Row

FAST, SLOW = 0.0, 1.0


class Doubling:
    """A scorer that doubles the first column, and remembers how many rows it was given at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: set[int] = set()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, rows: Sequence[Row]) -> list[Answer | None]:
        self.batches.append(len(rows))
        self.threads.add(threading.get_ident())
        assert self.may_go_on.wait(10)
        if any(row[0] < 0 for row in rows):
            raise ValueError("below zero")
        return [2.0 * row[0] for row in rows]


async def answered(batcher: Batcher, rows: list[Row]) -> list[Answer | None]:
    """Return the answers alone; a request is not begun before this is awaited or made a task."""
    return (await batcher.answer(rows))[0]


@pytest.fixture
def scorer() -> Doubling:
    return Doubling()


def test_what_comes_together_is_one_batch_and_each_gets_its_own(scorer: Doubling) -> None:
    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, FAST, lambda _: None)
        return await asyncio.gather(*(answered(batcher, [(float(at),), (at + 0.5,)]) for at in range(5)))

    assert asyncio.run(ask()) == [[2.0 * at, 2.0 * at + 1.0] for at in range(5)]
    assert scorer.batches == [10]


def test_a_lonely_row_is_answered_two_turns_of_the_loop_later(scorer: Doubling) -> None:
    async def ask() -> int:
        turns, answer = 0, Batcher(scorer, FAST, lambda _: None).answer([(1.0,)])
        while not answer.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(ask()) == 2


def test_a_slow_scorer_leaves_the_loop_alone_and_gathers_the_next_batch_meanwhile(scorer: Doubling) -> None:
    scorer.may_go_on.clear()

    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, SLOW, lambda _: None)
        first = asyncio.ensure_future(answered(batcher, [(1.0,)]))
        while not scorer.batches:
            await asyncio.sleep(0)
        others = [asyncio.ensure_future(answered(batcher, [(float(at),)])) for at in range(2, 9)]
        await asyncio.sleep(0)
        scorer.may_go_on.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(ask()) == [[2.0 * at] for at in range(1, 9)]
    assert scorer.batches == [1, 7]
    assert threading.get_ident() not in scorer.threads


def test_a_slow_scorer_that_is_idle_again_answers_the_next_one(scorer: Doubling) -> None:
    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, SLOW, lambda _: None)
        return [await answered(batcher, [(float(at),)]) for at in range(3)]

    assert asyncio.run(ask()) == [[0.0], [2.0], [4.0]]


@pytest.mark.parametrize("seconds", [FAST, SLOW])
def test_a_batch_is_bounded_and_nothing_of_the_rest_is_lost(scorer: Doubling, seconds: float) -> None:
    requests = 3 * (INLINE_ROWS if seconds == FAST else MAX_ROWS) // 100

    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, seconds, lambda _: None)
        return await asyncio.gather(*(answered(batcher, [(float(at),)] * 100) for at in range(requests)))

    assert asyncio.run(ask()) == [[2.0 * at] * 100 for at in range(requests)]
    assert max(scorer.batches) <= (INLINE_ROWS if seconds == FAST else MAX_ROWS)
    assert len(scorer.batches) < requests


def test_a_large_request_is_scored_by_itself_off_the_loop(scorer: Doubling) -> None:
    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, FAST, counted.append)
        return await asyncio.gather(
            answered(batcher, [(1.0,)] * (INLINE_ROWS + 1)), answered(batcher, [(2.0,)])
        )

    counted: list[int] = []
    large, small = asyncio.run(ask())
    assert (set(large), small) == ({2.0}, [4.0])
    assert sorted(scorer.batches) == sorted(counted) == [1, INLINE_ROWS + 1]
    assert len(scorer.threads) == 2


@pytest.mark.parametrize("seconds", [FAST, SLOW])
def test_who_hangs_up_takes_nobody_along(scorer: Doubling, seconds: float) -> None:
    async def ask() -> list[Answer | None]:
        batcher = Batcher(scorer, seconds, lambda _: None)
        gone, stays = batcher.answer([(1.0,)]), batcher.answer([(2.0,)])
        gone.cancel()
        return (await stays)[0]

    assert asyncio.run(ask()) == [4.0]


def test_a_slow_scorer_that_is_closed_answers_all_that_still_wait_and_late_ones(scorer: Doubling) -> None:
    scorer.may_go_on.clear()

    async def ask() -> list[list[Answer | None]]:
        batcher = Batcher(scorer, SLOW, lambda _: None)
        first = batcher.answer([(1.0,)])
        while not scorer.batches:
            await asyncio.sleep(0)
        second = batcher.answer([(2.0,)])
        batcher.close()
        scorer.may_go_on.set()
        async with asyncio.timeout(20):
            return [(await first)[0], (await second)[0], await answered(batcher, [(3.0,)])]

    assert asyncio.run(ask()) == [[2.0], [4.0], [6.0]]


def test_a_thread_that_takes_nothing_is_told_to_who_waits_and_replaced(scorer: Doubling) -> None:
    async def ask() -> list[Answer | None]:
        batcher = Batcher(scorer, SLOW, lambda _: None)
        await batcher.answer([(1.0,)])
        assert batcher._threads is not None
        batcher._threads.shutdown()
        async with asyncio.timeout(20):
            with pytest.raises(RuntimeError, match="after shutdown"):
                await batcher.answer([(2.0,)])
            return await answered(batcher, [(3.0,)])

    assert asyncio.run(ask()) == [6.0]


@pytest.mark.parametrize("seconds", [FAST, SLOW])
def test_a_row_that_breaks_the_scorer_breaks_its_own_request_alone(scorer: Doubling, seconds: float) -> None:
    async def ask() -> list[list[Answer | None] | BaseException]:
        batcher = Batcher(scorer, seconds, lambda _: None)
        asked = [answered(batcher, [(value,)]) for value in (1.0, -1.0, 3.0)]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, broken, third = asyncio.run(ask())
    assert (first, third) == ([2.0], [6.0])
    assert isinstance(broken, ValueError)


def test_the_time_of_an_answer_is_that_of_its_own_batch_whoever_is_answered_meanwhile(
    scorer: Doubling,
) -> None:
    """A request that waits for two arms reads the time of the fast one only when the slow one is done."""

    async def ask() -> tuple[float, float, float]:
        fast, slow = Batcher(scorer, FAST, lambda _: None), Batcher(scorer, SLOW, lambda _: None)
        waiting = fast.answer([(1.0,)])
        await slow.answer([(2.0,)])
        between = time.perf_counter()
        _, later = await fast.answer([(3.0,)])
        _, first = await waiting
        return first, between, later

    first, between, later = asyncio.run(ask())
    assert first < between < later
