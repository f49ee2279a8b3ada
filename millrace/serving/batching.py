"""How are rows of many requests answered together, without any of them waiting for company?"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from millrace.domain.prediction import Answer
from millrace.serving.requests import Row

Score = Callable[[Sequence[Row]], list[Answer | None]]
Found = list[Answer | None] | Exception
Scored = tuple[list[Answer | None], float]
"""The answers of some rows, and when they were there, by `time.perf_counter`.

A row's latency ends there. What comes after in the same turn of the loop, other batches and the writing of
other answers, is no matter of its version: the smaller arm, whose rows come last, would look slow.
"""
Job = tuple[Sequence[Row], "asyncio.Future[Scored]"]

INLINE_SECONDS = 0.001
"""A batch that takes longer is scored in a thread: the event loop has other clients."""
INLINE_ROWS = 256
MAX_ROWS = 4096
"""Rows of one batch. A request with more of them is scored by itself."""
LINGER_SHARE = 0.3
"""Of the last batch's time: how long a slow scorer waits for clients it has just answered to come back."""


class Batcher:
    """Answers what came in two turns of the event loop together.

    A fast scorer answers in the loop itself, so a lonely request waits for nothing. A slow one
    answers in a thread, one batch at a time; meanwhile the next batch gathers by itself.
    """

    def __init__(self, score: Score, row_seconds: float, on_batch: Callable[[int], None]) -> None:
        self._score = score
        self._inline = row_seconds < INLINE_SECONDS
        self._on_batch = on_batch
        self._waiting: list[Job] = []
        self._scheduled = self._closing = False
        self._threads: ThreadPoolExecutor | None = None

    def answer(self, rows: Sequence[Row]) -> "asyncio.Future[Scored]":
        """Return a future of an answer for each row, None where there is no finite one, and of its time."""
        loop = asyncio.get_running_loop()
        if len(rows) > (INLINE_ROWS if self._inline else MAX_ROWS):
            self._on_batch(len(rows))
            return loop.run_in_executor(None, self._score_alone, rows)
        future: asyncio.Future[Scored] = loop.create_future()
        self._waiting.append((rows, future))
        if not self._scheduled:
            self._scheduled = True
            # between the two turns the loop looks at its sockets once more, without waiting: twice the batch
            loop.call_soon(loop.call_soon, self._flush, loop)
        return future

    def close(self) -> None:
        """End the thread, once all that was asked is answered."""
        self._closing = True
        self._end_if_idle()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs, self._waiting = _cut(self._waiting, INLINE_ROWS if self._inline else MAX_ROWS)
        self._on_batch(sum(len(rows) for rows, _ in jobs))
        if self._inline:
            _deliver(jobs, _score_jobs(self._score, [rows for rows, _ in jobs]))
            self._go_on(loop, 0.0)
        else:
            loop.create_task(self._flush_in_thread(loop, jobs))

    async def _flush_in_thread(self, loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
        started = time.perf_counter()
        rows = [rows for rows, _ in jobs]
        try:
            self._threads = self._threads or ThreadPoolExecutor(1, "millrace-scorer")
            found = await loop.run_in_executor(self._threads, _score_jobs, self._score, rows)
        except Exception as error:  # noqa: BLE001 - no thread can be had: whoever waits is told, and the next may have one
            found = [error] * len(jobs)
            self._threads = None
        _deliver(jobs, found)
        self._go_on(loop, LINGER_SHARE * (time.perf_counter() - started))

    def _score_alone(self, rows: Sequence[Row]) -> Scored:
        return self._score(rows), time.perf_counter()

    def _go_on(self, loop: asyncio.AbstractEventLoop, linger_seconds: float) -> None:
        self._scheduled = bool(self._waiting)
        if self._waiting:
            loop.call_later(linger_seconds, self._flush, loop)
        elif self._closing:
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._threads is not None and not self._scheduled:
            self._threads.shutdown(wait=False)
            self._threads = None  # a request that still comes, as it began before the swap, gets another


def _cut(jobs: list[Job], max_rows: int) -> tuple[list[Job], list[Job]]:
    rows = 0
    for at, (some, _) in enumerate(jobs):
        rows += len(some)
        if rows > max_rows and at:
            return jobs[:at], jobs[at:]
    return jobs, []


def _score_jobs(score: Score, jobs: list[Sequence[Row]]) -> list[Found]:
    """Score all rows at once; where that fails each job by itself, so that it fails alone."""
    try:
        answers = score([row for rows in jobs for row in rows])
    except Exception as error:  # noqa: BLE001 - whatever a scorer raises is what its request is told
        return [error] if len(jobs) == 1 else [_score_jobs(score, [rows])[0] for rows in jobs]
    found: list[Found] = []
    at = 0
    for rows in jobs:
        found.append(answers[at : at + len(rows)])
        at += len(rows)
    return found


def _deliver(jobs: list[Job], found: list[Found]) -> None:
    answered_at = time.perf_counter()
    for (_, future), answers in zip(jobs, found, strict=True):
        # a client that has gone away has cancelled its future
        if future.done():
            continue
        if isinstance(answers, Exception):
            future.set_exception(answers)
        else:
            future.set_result((answers, answered_at))
