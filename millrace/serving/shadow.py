"""How does a bundle score live rows without any client noticing?"""

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from millrace.domain.prediction import Answer, Shadowed, ShadowedRow
from millrace.domain.routing import is_sampled
from millrace.serving.requests import Row

if TYPE_CHECKING:
    from millrace.serving.journal import Journal
    from millrace.serving.metrics import Metrics
    from millrace.serving.served import ScoringArm

MAX_QUEUED_ROWS = 10_000
"""Past it rows are dropped and counted: a slow shadow must not eat the memory of what answers."""
MAX_BATCH_ROWS = 256
GATHER_SECONDS = 0.005

log = logging.getLogger(__name__)


class Shadow:
    """Scores a share of the rows after they were answered, in a thread of its own."""

    def __init__(self, arm: "ScoringArm", metrics: "Metrics", journal: "Journal") -> None:
        self._arm, self._journal = arm, journal
        self._queue: deque[tuple[str, int, Row]] = deque()
        self._wake, self._closing = threading.Event(), False
        self._dropped = metrics.shadow_dropped.labels(arm.model)
        self._failed = metrics.shadow_failed.labels(arm.model)
        self._thread = threading.Thread(target=self._run, name=f"shadow {arm.model}", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        return len(self._queue)

    def offer(self, request_id: str, at: int, row: Row, key: str) -> None:
        """Take the row if it is of the sample and there is room."""
        if not is_sampled(self._arm.arm, key):
            return
        if self._arm.lacks(row):
            self._failed.inc()
            return
        if len(self._queue) >= MAX_QUEUED_ROWS:
            self._dropped.inc()
            return
        self._queue.append((request_id, at, row))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Score what is queued, then end."""
        self._closing = True
        self._wake.set()

    def _run(self) -> None:
        while not (self._closing and not self._queue):
            self._wake.wait()
            # one waking for many rows: each would take the interpreter from what answers
            time.sleep(0 if self._closing else GATHER_SECONDS)
            self._wake.clear()
            while self._queue:
                self._score([self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH_ROWS))])

    def _score(self, taken: list[tuple[str, int, Row]]) -> None:
        started, error = time.perf_counter(), None
        answers: list[Answer | None] = [None] * len(taken)
        try:
            answers = self._arm.score([row for _, _, row in taken])
        except Exception as problem:  # noqa: BLE001 - a shadow that breaks is a finding, never a fault
            error = f"{type(problem).__name__}: {problem}"
            self._failed.inc(len(taken))
            log.warning("%s: shadow %s failed: %s", self._arm.model, self._arm.digest[:12], error)
        micros, now = int((time.perf_counter() - started) * 1e6), time.time()
        rows = [
            ShadowedRow(request_id, at, now, answer, micros)
            for (request_id, at, _), answer in zip(taken, answers, strict=True)
        ]
        self._journal.write(Shadowed(self._arm.model, self._arm.digest, self._arm.generation, rows, error))
