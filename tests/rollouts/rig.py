"""A live installation: a real service under load, labels that come later, looks by the real steps."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.serving.open_loop import request_bytes
from millrace.adapters import clock
from millrace.domain.facts import RolloutFact
from millrace.domain.rollout.advance import Transition, start
from millrace.domain.rollout.policy import Approval, Limits, Policy, Step, Strategy, steps_of
from millrace.domain.rollout.state import Phase, Rollout
from millrace.steps.rollout import look_at_rollout
from millrace.steps.serve import publish_model_pointer
from millrace.steps.stores import ledger
from tests.rollouts.versions import POOL, good, truths
from tests.serving.crowning import enter_installation, promote
from tests.serving.service import Packed, RunningService, ServiceHome, running_service, wait_for
from tests.serving.talking import connected
from tests.serving.under_load import MODEL, PATH, row, wait_for_generation

CONNECTIONS = 4
LABEL_BATCH = 200
DEADLINE_SECONDS = 120.0

QUICK = Policy(
    strategy=Strategy.CANARY,
    steps=steps_of(Strategy.CANARY, (50,)),
    approval=Approval.AUTO,
    step_requests=200,
    interval=timedelta(seconds=0.2),
    failure_limit=2,
    deadline=timedelta(minutes=2),
    probation_labels=200,
    probation_deadline=timedelta(minutes=2),
    limits=Limits(
        max_excess_errors=0.01,
        max_latency_ratio=5.0,  # the slow version takes ten times as long, a busy machine twice
        max_shift=0.5,
        max_disagreement=0.1,
        max_excess_loss=0.1,
        alpha=0.05,
    ),
)
"""Looks five times a second, at a share of requests that is there within one."""

AT_ONCE: Policy = replace(
    QUICK,
    steps=(Step(50),),
    interval=timedelta(seconds=1),
    step_requests=1000,
    limits=replace(QUICK.limits, max_excess_errors=0.005, max_latency_ratio=1.5),
)
"""No shadow before it: the first requests of a bad version are answered."""


@dataclass(frozen=True)
class Asked:
    """One request that was answered."""

    number: int
    request_id: str
    digest: str
    sent: float


@dataclass(frozen=True)
class Looks:
    """How many looks had enough evidence, and how long it took from the first of them to the end."""

    with_enough: int
    seconds: float


@dataclass
class Load:
    """Asks for one row after the other on a few connections, and tells afterwards what became true of it."""

    port: int
    is_labelled: bool = False
    answered: list[Asked] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    key_of: Callable[[int], int] = field(default=lambda at: 7919 * at)
    truth_of: Callable[[int], float | str] = field(default=lambda at: float(truths()[at]))
    is_over: bool = False

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        numbers = count()
        await asyncio.gather(*(self._ask(numbers) for _ in range(CONNECTIONS)))

    async def _ask(self, numbers: Iterator[int]) -> None:
        waiting: list[dict[str, Any]] = []
        async with connected(self.port) as connection:
            while not self.is_over:
                at = self.key_of(next(numbers)) % len(POOL)
                sent = time.time()
                body = msgspec.json.encode(row(POOL[at]))
                reply = await connection.ask(request_bytes(PATH, body))
                assert reply is not None
                if reply.status != 200:
                    self.refused[reply.status] += 1
                    continue
                told = reply.json
                self.answered.append(Asked(POOL[at], told["request_id"], told["digest"], sent))
                if self.is_labelled:
                    waiting.append({"request_id": told["request_id"], "label": self.truth_of(at)})
                if len(waiting) >= LABEL_BATCH:
                    body = msgspec.json.encode(waiting)
                    labelled = await connection.ask(request_bytes(f"/v1/models/{MODEL}/labels", body))
                    assert labelled is not None
                    assert labelled.status in {200, 202}, labelled.body
                    waiting.clear()


@dataclass
class Live:
    """An installation whose champion answers, and whose rollouts are looked at."""

    home: ServiceHome
    service: RunningService
    champion: str
    truth_of: Callable[[int], float | str]
    turns: list[RolloutFact] = field(default_factory=list)

    @property
    def rollout(self) -> Rollout:
        return ledger().rollout(MODEL)

    def begin(self, packed: Packed, policy: Policy = QUICK) -> str:
        """Let a version begin its rollout; return its digest."""
        digest, now = self.home.add(MODEL, packed), clock.now()
        seen = self.rollout
        transition = start(seen, digest, policy, now)
        assert transition.fact is not None, transition.reason
        ledger().change_rollout(seen, transition.fact, now, "a test")
        publish_model_pointer(MODEL, now)
        return digest

    def service_has(self, generation: int) -> None:
        """Wait until the service has taken what was published last."""
        wait_for_generation(self.service, generation)

    def wait_for_answers(self, load: "Load", answers: int) -> None:
        """Wait until so many more requests were answered."""
        wanted = len(load.answered) + answers
        wait_for(lambda: len(load.answered) >= wanted, f"{answers} answers")

    def look(self) -> Transition:
        now = clock.now()
        transition = look_at_rollout(MODEL, now)
        if transition.fact is not None:
            self.turns.append(transition.fact)
            publish_model_pointer(MODEL, now)
        return transition

    def look_until(
        self, is_there: Callable[[Rollout], bool], interval: timedelta = QUICK.interval
    ) -> Rollout:
        """Take looks until the rollout has come so far."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        taken = self.look()
        while not is_there(self.rollout):
            assert time.monotonic() < deadline, f"still {self.rollout.phase}: {taken.reason}"
            time.sleep(interval.total_seconds())
            taken = self.look()
        return self.rollout

    def look_and_count(self, is_over: Callable[[Rollout], bool], interval: timedelta) -> Looks:
        """Take a look each interval until it is over, and count those that had the least evidence needed."""
        counted, first = 0, 0.0
        while not is_over(self.rollout):
            started, taken = time.monotonic(), self.look()
            if taken.verdicts and taken.verdicts[0].rule != "evidence":
                counted, first = counted + 1, first or started
            time.sleep(max(0.0, started + interval.total_seconds() - time.monotonic()))
        return Looks(counted, time.monotonic() - first)

    def look_until_over(self) -> Rollout:
        """Take looks until nothing is on its way to be champion."""
        return self.look_until(lambda rollout: rollout.challenger is None)

    @contextmanager
    def load(
        self, *, is_labelled: bool = False, key_of: Callable[[int], int] | None = None
    ) -> Iterator[Load]:
        """Ask the service, without a pause, for as long as the block lasts."""
        load = Load(self.service.port, is_labelled, truth_of=self.truth_of)
        load = replace(load, key_of=key_of) if key_of else load
        thread = threading.Thread(target=load.run, daemon=True)
        thread.start()
        try:
            yield load
        finally:
            load.is_over = True
            thread.join()


@contextmanager
def live_installation(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    champion_of: Callable[[int], Packed] = good,
    truth_of: Callable[[int], float | str] = lambda at: float(truths()[at]),
) -> Iterator[Live]:
    """Make an installation whose first champion answers."""
    home = enter_installation(folder, monkeypatch)
    champion = home.add(MODEL, champion_of(0))
    promote(champion)
    with running_service(home) as service:
        wait_for_generation(service, 1)
        yield Live(home, service, champion, truth_of)


def is_proving(rollout: Rollout) -> bool:
    return rollout.phase is Phase.PROBATION
