"""How does a bundle score live rows without any client noticing?"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from millrace.adapters import clock
from millrace.domain.features import UnreadableColumnError
from millrace.domain.prediction import Answer, Shadowed, ShadowedRow
from millrace.domain.routing import is_sampled
from millrace.serving.priority import SHADOWING, lower_priority
from millrace.serving.requests import Row

if TYPE_CHECKING:
    from millrace.serving.journal import Journal
    from millrace.serving.metrics import Metrics
    from millrace.serving.served import ScoringArm

MAX_QUEUED_ROWS = 10_000
"""Past it rows are dropped and counted: a slow shadow must not eat the memory of what answers."""
MAX_BATCH_ROWS = 256
GATHER_SECONDS = 0.005
BROKEN_ROWS = 8
"""So many rows that each break by themselves, and a shadow is taken for broken."""
END_SECONDS = 2.0
"""How long a service that ends waits for its shadows."""

REFUSED = "refused by its schema"
"""The error of a row that others can answer: it lacks what the shadow needs, or is beyond its bounds."""

_Offered = tuple[str, int, Row]
"""The request, the position in it, and the row."""

log = logging.getLogger(__name__)


class Shadow:
    """Scores a share of the rows after they were answered, in a thread of its own."""

    def __init__(self, arm: "ScoringArm", metrics: "Metrics", journal: "Journal") -> None:
        self._arm, self._journal = arm, journal
        self._queue: deque[_Offered] = deque()
        self._wake, self._closing = threading.Event(), False
        self._trouble: str | None = None
        self._dropped = metrics.shadow_dropped.labels(arm.model)
        self._failed = metrics.shadow_failed.labels(arm.model)
        self._thread = threading.Thread(target=self._run, name=f"shadow {arm.model}", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def offer(self, request_id: str, at: int, row: Row, key: str) -> None:
        """Take the row if it is of the sample and there is room."""
        if not is_sampled(self._arm.arm, key):
            return
        if self._closing or len(self._queue) >= MAX_QUEUED_ROWS:
            self._dropped.inc()
            return
        self._queue.append((request_id, at, row))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Score what is queued, then end; what is offered from now on is dropped."""
        self._closing = True
        self._wake.set()

    def give_up(self, deadline: float) -> None:
        """Wait for what is queued, at the longest until `deadline` (monotonic), and drop the rest."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._dropped.inc(len(self._take(MAX_QUEUED_ROWS)))

    def _run(self) -> None:
        lower_priority(SHADOWING)
        while not (self._closing and not self._queue):
            self._wake.wait()
            # one waking for many rows: each would take the interpreter from what answers
            time.sleep(0 if self._closing else GATHER_SECONDS)
            self._wake.clear()
            while self._queue:
                self._score(self._take(MAX_BATCH_ROWS))

    def _take(self, rows: int) -> list[_Offered]:
        taken: list[_Offered] = []
        # the thread and who gives up on it may take at once
        with suppress(IndexError):
            while len(taken) < rows:
                taken.append(self._queue.popleft())
        return taken

    def _score(self, taken: list[_Offered]) -> None:
        refused, allowed = list[_Offered](), list[_Offered]()
        for one in taken:
            (refused if self._arm.refuses(one[2]) else allowed).append(one)
        if refused:
            # as an answering arm it would have had these requests refused, to everybody
            self._log_failed(refused, REFUSED)
            taken = allowed
        problem = self._try(taken) if taken else None
        if problem is not None and (failed := self._score_apart(taken)):
            self._log_failed(failed, _kind_of(problem))
        self._note(None if problem is None else _kind_of(problem))

    def _score_apart(self, taken: list[_Offered]) -> list[_Offered]:
        """Score rows one by one, as one that breaks is no failure of its neighbours; return those that do.

        Where each of the first ones breaks, the others are dropped: there is no time for a shadow that is
        broken, and what was not tried has not failed.
        """
        if len(taken) == 1:
            return taken
        failed: list[_Offered] = []
        for at, one in enumerate(taken):
            if at == len(failed) == BROKEN_ROWS:
                self._dropped.inc(len(taken) - at)
                break
            if self._try([one]) is not None:
                failed.append(one)
        return failed

    def _try(self, taken: list[_Offered]) -> Exception | None:
        """Score rows and log them, or return why that cannot be done."""
        started = time.perf_counter()
        try:
            answers = self._arm.score([row for _, _, row in taken])
        except Exception as problem:  # noqa: BLE001 - a shadow that breaks is a finding, never a fault
            return problem
        self._log(taken, answers, time.perf_counter() - started, None)
        return None

    def _log_failed(self, failed: list[_Offered], error: str) -> None:
        self._failed.inc(len(failed))
        self._log(failed, [None] * len(failed), 0.0, error)

    def _log(
        self, taken: list[_Offered], answers: Sequence[Answer | None], seconds: float, error: str | None
    ) -> None:
        micros, now = int(seconds * 1e6), clock.timestamp()
        rows = [
            ShadowedRow(request_id, at, now, answer, micros)
            for (request_id, at, _), answer in zip(taken, answers, strict=True)
        ]
        self._journal.write(Shadowed(self._arm.model, self._arm.digest, self._arm.generation, rows, error))

    def _note(self, error: str | None) -> None:
        if error not in {None, self._trouble}:
            log.warning("%s: shadow %s fails: %s", self._arm.model, self._arm.digest[:12], error)
        self._trouble = error


def end_shadows(shadows: Iterable[Shadow]) -> None:
    """Wait `END_SECONDS` for shadows that are closed; what they have not scored by then is dropped."""
    deadline = time.monotonic() + END_SECONDS
    for shadow in shadows:
        shadow.give_up(deadline)


def _kind_of(problem: Exception) -> str:
    """Name what went wrong without its sentence, which can hold values that may not be written down."""
    name = type(problem).__name__
    return f"{name}: column {problem.column}" if isinstance(problem, UnreadableColumnError) else name
