"""In which order do things happen when history runs again? The one engine of `replay` and of the demo."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from millrace.domain.decision import Reason
from millrace.domain.facts import Action, WindowMonitored
from millrace.domain.replay.page import QUARANTINED, ReplayRow, Timing
from millrace.domain.schedule import last_due
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.decide import RetrainResult
from millrace.steps.progress import timing
from millrace.steps.replay.script import find_champion
from millrace.steps.stores import model_config

AFTER_DECIDING = "read and verify the rows"
"""The step of a training that begins when it was decided on."""


@dataclass(frozen=True)
class Batch:
    """Rows that arrive together; without a file the model's own source has them.

    One that `is_released` is let in although it breaks a clause, as somebody has let it in.
    """

    name: str
    file: Path | None = None
    is_released: bool = False


class Loop(Protocol):
    """How the work is done: by the very flows, or by their steps without Prefect."""

    def ingest(self, batches: Sequence[Batch] | None, now: datetime) -> list[IngestResult]:
        """Take in batches, or all that the model's source has."""

    def retrain(self, reason: Reason, detail: str, force: bool, now: datetime) -> RetrainResult | None:
        """Decide, train, judge, promote; None where nobody decides any more."""

    def monitor(self, now: datetime) -> WindowMonitored | None:
        """Look at what was asked; None where there is nothing to look at."""

    def find_waiting(self, now: datetime) -> Reason | None:
        """Return why a training is due that nobody has asked for, None when none is."""


class World(Protocol):
    """What happens by itself: the clock, what arrives, who asks, which accidents there are."""

    def reach(self, now: datetime) -> None:
        """Let it be `now`: what was asked meanwhile is answered, labels that are due are told."""

    def list_arrived(self, now: datetime) -> list[list[Batch]]:
        """List what has come since this was asked last; batches that stand together come at once."""

    def arrive(self, batches: Sequence[Batch], engine: "Engine") -> Iterator[ReplayRow]:
        """Let batches arrive by `engine.arrive`, with whatever accident happens beside."""

    def is_look_due(self, before: datetime, now: datetime) -> bool:
        """Ask about what has happened since `before`, where that is not done yet, and say whether to look."""

    def finish(self, now: datetime) -> None:
        """Note that all of this step is done."""


@dataclass
class Engine:
    """History of one model, step by step of a simulated clock. `timings` fill as it goes on.

    One that `has_begun` was stopped after all of `now` was done, and goes on from there.
    """

    model: str
    loop: Loop
    world: World
    now: datetime
    until: datetime
    step: timedelta
    has_begun: bool = False
    timings: list[Timing] = field(default_factory=list)

    def play(self) -> Iterator[ReplayRow]:
        """Yield a row for each thing that happens, in the order of the simulated clock."""
        if not self.has_begun:
            yield from self._begin()
        while self.now < self.until:
            before, self.now = self.now, min(self.now + self.step, self.until)
            yield from self._take_step(before)

    def _begin(self) -> Iterator[ReplayRow]:
        """Yield what comes of all that is there at `now`."""
        yield from self._reach()
        self.has_begun = True
        self.world.finish(self.now)

    def _reach(self) -> Iterator[ReplayRow]:
        self.world.reach(self.now)
        for batches in self.world.list_arrived(self.now):
            yield from self.world.arrive(batches, self)

    def _take_step(self, before: datetime) -> Iterator[ReplayRow]:
        yield from self._reach()
        if self.world.is_look_due(before, self.now):
            yield from self._look()
        yield from self._keep_schedule(before)
        if (waiting := self.loop.find_waiting(self.now)) is not None:
            yield from self.retrain(self.month, waiting)
        self.world.finish(self.now)

    def arrive(self, month: str, batches: Sequence[Batch] | None) -> Iterator[ReplayRow]:
        """Ingest what is there; what was accepted is a reason to retrain."""
        started = time.monotonic()
        results = self.loop.ingest(batches, self.now)
        rows = sum(result.rows for result in results)
        if results and all(result.outcome is BatchOutcome.QUARANTINED for result in results):
            champion = find_champion(self.model)
            seconds = time.monotonic() - started
            yield ReplayRow(month, rows, QUARANTINED, "", "", champion, champion, None, None, seconds)
            return
        for row in self.retrain(month, Reason.NEW_ROWS):
            yield replace(row, rows=rows, event="arrived", seconds=time.monotonic() - started)

    def retrain(
        self, month: str, reason: Reason, *, since: float | None = None, detail: str = "", force: bool = False
    ) -> Iterator[ReplayRow]:
        """Have a training decided on; what came of it is one row."""
        started, before = time.monotonic(), find_champion(self.model)
        with timing() as began:
            result = self.loop.retrain(reason, detail, force, self.now)
        if result is None:
            return
        ended, after, decided = time.monotonic(), find_champion(self.model), began.get(AFTER_DECIDING)
        if decided is not None and since is not None:
            self.timings.append(Timing("from drift to decision", decided - since))
        if decided is not None and after != before:
            self.timings.append(Timing("from decision to champion", ended - decided))
        yield ReplayRow(
            month=month,
            rows=0,
            event=f"{reason.value} {detail}".rstrip() if reason is not Reason.CONFIG else "config changed",
            decision=result.decision.action,
            gate=result.judged.outcome if result.judged else "",
            champion_before=before,
            champion_after=after,
            frozen=None,
            kept=None,
            seconds=ended - (started if since is None else since),
        )

    def _look(self) -> Iterator[ReplayRow]:
        """Look at what was asked, if the model says how; a drift or a decay is a reason to retrain."""
        if model_config(self.model).monitor is None:
            return
        started = time.monotonic()
        looked = self.loop.monitor(self.now)
        if looked is None:
            return
        if looked.drift is not None:
            detail = f"{looked.drift.share:.2f}"
            yield from self.retrain(self.month, Reason.DRIFT, since=started, detail=detail)
        elif looked.decay is not None:
            excess = f"{looked.decay.excess_loss:.3f}"
            yield from self.retrain(self.month, Reason.DECAY, since=started, detail=excess)

    def _keep_schedule(self, before: datetime) -> Iterator[ReplayRow]:
        policy = model_config(self.model).retrain
        for schedule, reason in ((policy.schedule, Reason.SCHEDULE), (policy.refit_schedule, Reason.REFIT)):
            if schedule is not None and last_due(schedule, self.now) > before:
                for row in self.retrain(self.month, reason):
                    if row.decision == Action.TRAIN:
                        yield row

    @property
    def month(self) -> str:
        """The month that it is."""
        return f"{self.now:%Y-%m}"
