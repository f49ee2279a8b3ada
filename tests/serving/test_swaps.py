"""Champions change under open-loop load: no request fails, and each is answered by who might answer then."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.serving.open_loop import Exchange, drive
from millrace.domain.facts import CHAMPION_KINDS, ChampionPromoted, ChampionRolledBack
from millrace.domain.ledger import Entry
from millrace.steps.stores import ledger
from tests.serving.crowning import enter_installation, go_back, promote
from tests.serving.service import RunningService, running_service
from tests.serving.under_load import MODEL, edition, edition_of, request, wait_for_generation

EDITIONS = 4
RATE = 500.0
SLICE = 1_000
"""Requests of one run of the load; runs follow each other until all swaps are made."""

GRACE_SECONDS = 5.0
"""How long after a commit its forerunner may still answer: publication, a look each 250 ms, loading, waiting
in the open loop's queue; a busy machine makes seconds of it. Usual is half a second."""


@dataclass
class Swapping:
    """A thread that changes the champion over and over, each time when the service follows the one before."""

    service: RunningService
    digests: list[str]
    swaps: int
    made: int = 0
    trouble: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.swaps)  # noqa: S311
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()

    def _run(self) -> None:
        try:
            while self.made < self.swaps:
                self._swap()
                self.made += 1
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            self.trouble.append(error)

    def _swap(self) -> None:
        standing, champion = self.made % 3, ledger().serving(MODEL).champion
        # two steps forward, one back: the history never runs out
        if standing == 2:
            go_back()
        else:
            promote(self.random.choice([digest for digest in self.digests if digest != champion]))
        wait_for_generation(self.service, ledger().serving(MODEL).generation)


async def load(port: int, swapping: Swapping, at_least: int) -> list[Exchange]:
    found: list[Exchange] = []
    while not swapping.is_over or len(found) < at_least:
        begun = len(found)
        found += await drive(port, lambda number, begun=begun: request(begun + number), RATE, SLICE)
    return found


@dataclass(frozen=True)
class Reign:
    """From when to when the ledger had a generation's champion, by the clock of `Exchange`."""

    digest: str
    begun: float
    over: float


def reigns(entries: list[Entry]) -> dict[int, Reign]:
    wall_to_monotonic = time.monotonic() - time.time()
    facts = [entry.fact for entry in entries if isinstance(entry.fact, ChampionPromoted | ChampionRolledBack)]
    begun = [entry.at.timestamp() + wall_to_monotonic for entry in entries]
    over = [*begun[1:], float("inf")]
    return {
        fact.generation: Reign(fact.digest, since, until)
        for fact, since, until in zip(facts, begun, over, strict=True)
    }


@pytest.mark.parametrize(
    ("swaps", "requests"), [(5, 1_000), pytest.param(100, 30_000, marks=pytest.mark.slow)]
)
def test_champions_change_under_load_and_each_answer_is_of_one_the_ledger_allowed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    swaps: int,
    requests: int,
    record_property: Callable[[str, object], None],
) -> None:
    flights = enter_installation(tmp_path, monkeypatch)
    digests = [flights.add(MODEL, edition(number)) for number in range(EDITIONS)]
    promote(digests[0])
    with running_service(flights) as service:
        swapping = Swapping(service, digests, swaps)
        exchanges = asyncio.run(load(service.port, swapping, requests))
        swapping.thread.join()
    assert swapping.trouble == []
    assert len(exchanges) >= requests
    assert Counter(exchange.status for exchange in exchanges) == {200: len(exchanges)}
    of_generation = reigns(ledger().entries(MODEL, CHAMPION_KINDS))
    assert len(of_generation) == 1 + swaps
    slowest, answered = 0.0, set()
    for exchange in exchanges:
        answer = json.loads(exchange.body)
        reign = of_generation[answer["generation"]]
        assert answer["digest"] == reign.digest
        assert answer["digest"] == digests[edition_of(answer["answer"])]
        assert reign.begun <= exchange.done
        slowest = max(slowest, exchange.sent - reign.over)
        answered.add(answer["generation"])
    assert answered == set(of_generation)
    assert slowest <= GRACE_SECONDS
    record_property("requests", len(exchanges))
    record_property("seconds_of_an_old_champion", round(slowest, 3))
