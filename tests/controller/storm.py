"""A storm: arrivals, events and kills at seeded random moments, on a stack whose `fares` has a champion."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.controller.fares import deliver, later_day
from tests.controller.stack import Stack, make_event

ARRIVALS, COPIES, EVENTS = 100, 10, 100
KILLED = ("server", "worker", "controller")
KILLS_OF_EACH = 4
LASTS_SECONDS = 150.0
UNKNOWN = "tolls"

DRIFT, DECAY, PINNED = "millrace.drift.detected", "millrace.performance.decayed", "millrace.data.pinned"


@dataclass
class Storm:
    """What is to happen when, and how often each thing did."""

    stack: Stack
    seed: int
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._luck = random.Random(self.seed)  # noqa: S311
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self._plan_arrivals()
        self._plan_events()
        self._plan_kills()

    def rage(self) -> None:
        """Let it all happen, each thing at its moment or as soon as the one before has; then all is up."""
        started = time.monotonic()
        for moment, _order, act in sorted(self._plan, key=lambda planned: planned[:2]):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            act()
        self.supervise()

    def supervise(self) -> None:
        """Start again what has ended by itself, as `make up` would: a worker that finds no server, say."""
        for name in KILLED:
            process = self.stack.processes.get(name)
            if process is None or process.poll() is not None:
                self.counts["started again"] += process is not None
                self.stack.launch(name)

    def _at(self, moment: float, act: Callable[[], None]) -> None:
        self._plan.append((moment, len(self._plan), act))

    def _plan_arrivals(self) -> None:
        """Deliver every day in its own file, some a second time under another name, in small groups."""
        days = list(range(ARRIVALS - COPIES))
        names = [(f"day-{day}", day) for day in days]
        names += [(f"day-{day}-again", day) for day in self._luck.sample(days, COPIES)]
        late = {name: day + self._luck.uniform(0, 10) for name, day in names}
        names.sort(key=lambda named: late[named[0]])
        groups = []
        while names:
            size = self._luck.randint(1, 6)
            groups.append(names[:size])
            del names[:size]
        moments = sorted(self._luck.uniform(0, LASTS_SECONDS) for _ in groups)
        for moment, group in zip(moments, groups, strict=True):
            self._at(moment, lambda group=group: self._deliver(group))  # type: ignore[misc]

    def _deliver(self, group: list[tuple[str, int]]) -> None:
        for name, day in group:
            deliver(self.stack, name, later_day(day))
            self.counts["arrivals"] += 1

    def _plan_events(self) -> None:
        planned = 0
        while planned < EVENTS:
            kind = self._luck.choice(["true", "doubled", "unknown model", "no model", "delayed"])
            event = self._make_event(kind)
            for _ in range(min(2 if kind == "doubled" else 1, EVENTS - planned)):
                self._at(
                    self._luck.uniform(0, LASTS_SECONDS),
                    lambda event=event, kind=kind: self._send(event, kind),  # type: ignore[misc]
                )
                planned += 1

    def _make_event(self, kind: str) -> dict[str, Any]:
        name = self._luck.choice([DRIFT, DECAY, PINNED])
        facts = {DRIFT: {"share": 0.41}, DECAY: {"excess_loss": 0.2}, PINNED: {"new_rows": 34}}[name]
        about = UNKNOWN if kind == "unknown model" else "fares"
        payload = facts if kind == "no model" else {"model": about, **facts}
        return make_event(name, about, payload, self._luck.uniform(60, 7200) if kind == "delayed" else 0.0)

    def _send(self, event: dict[str, Any], kind: str) -> None:
        try:
            self.stack.send(event)
        except httpx.HTTPError:
            self.counts["events lost"] += 1
        else:
            self.counts[f"events sent, {kind}"] += 1

    def _plan_kills(self) -> None:
        """Kill each a few times; a name is not killed again before it was started again."""
        part = LASTS_SECONDS / KILLS_OF_EACH
        for name in KILLED:
            for number in range(KILLS_OF_EACH):
                moment = (number + self._luck.uniform(0.1, 0.7)) * part
                self._at(moment, lambda name=name: self._kill(name))  # type: ignore[misc]
                self._at(moment + self._luck.uniform(1, 6), self.supervise)

    def _kill(self, name: str) -> None:
        if name in self.stack.processes:
            self.stack.kill(name)
            self.counts[f"kills of the {name}"] += 1
