"""Replay: the demo's year, played by the engine of `millrace replay` through the very flows of every day."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flows.ingest import ingest
from flows.live import LiveDemo
from flows.monitor import monitor
from flows.retrain import retrain
from millrace.adapters import clock
from millrace.adapters.service_client import ServiceClient
from millrace.domain.decision import Reason
from millrace.domain.demo import DemoScript, LiveScript
from millrace.domain.facts import Action, WindowMonitored
from millrace.domain.replay import ReplayRow, Timing
from millrace.domain.rollout.timeline import Turn
from millrace.domain.verdict import Outcome
from millrace.domain.work import MonitorReason
from millrace.steps.batch import IngestResult
from millrace.steps.dataset import current_dataset
from millrace.steps.decide import RetrainResult
from millrace.steps.replay.engine import Batch, Engine
from millrace.steps.replay.script import (
    broken_features,
    configure_retrain,
    find_champion,
    list_source_batches,
    promote_at_once,
    write_corrupted,
)
from millrace.steps.restore import check_out_dataset
from millrace.steps.traffic import Traffic

DAY = timedelta(days=1)


@dataclass(frozen=True)
class FlowLoop:
    """The loop by its flows, as a person or the controller runs it."""

    model: str

    def ingest(self, batches: Sequence[Batch] | None, now: datetime) -> list[IngestResult]:
        """Run `ingest` on files, or on what the source has."""
        files = None if batches is None else [batch.file for batch in batches if batch.file is not None]
        return ingest(self.model, files, now)

    def retrain(self, reason: Reason, detail: str, force: bool, now: datetime) -> RetrainResult:
        """Run `retrain`."""
        return retrain(self.model, reason, detail, force, now=now)

    def monitor(self, now: datetime) -> WindowMonitored | None:
        """Run `monitor`; the clock has gone on since the step began."""
        return monitor(self.model, MonitorReason.SCHEDULE, now=max(now, clock.now()))

    def find_waiting(self, now: datetime) -> Reason | None:
        """Leave it at what the script asks for."""
        return None


@dataclass
class DemoWorld:
    """What the demo's script lets happen: a service that is asked, and accidents with batches.

    `timings` fill as rollouts end; `on_turn` hears of each turn of one.
    """

    model: str
    script: DemoScript
    service: ServiceClient
    on_turn: Callable[[Turn], None]
    timings: list[Timing] = field(default_factory=list)

    def __post_init__(self) -> None:
        everything = list_source_batches(self.model, self.script.until)
        self._traffic = Traffic(self.model, self.service, self.script.asking, everything)
        self._known: list[str] = []
        self._frozen: str | None = None
        self._scored_until = self._asked_at = self.script.bootstrap

    def reach(self, now: datetime) -> None:
        """Set the clock, and tell the labels that are due."""
        clock.set_clock(now)
        self._traffic.tell(now)

    def list_arrived(self, now: datetime) -> list[list[Batch]]:
        """List the months that are over by now; those before the demo come at once."""
        new = list_source_batches(self.model, now)[len(self._known) :]
        is_start, self._known = not self._known, [*self._known, *new]
        return [[Batch(name) for name in new]] if is_start else [[Batch(name)] for name in new]

    def arrive(self, batches: Sequence[Batch], engine: Engine) -> Iterator[ReplayRow]:
        """Let a month arrive, and whatever accident the script has for it."""
        batch, live = batches[-1].name, self.script.live
        if self._frozen is None:
            yield from engine.arrive(batch, None)
            self._frozen = find_champion(self.model)
            return
        frozen, kept = self._traffic.score(self._scored_until, engine.now, self._frozen)
        self._scored_until = engine.now
        yield from self._spoil(batch, engine)
        for row in engine.arrive(batch, None):
            yield replace(row, frozen=frozen, kept=kept)
        if batch == self.script.bad_challenger.after:
            with broken_features(self.model, self.script.bad_challenger):
                yield from engine.retrain(batch, Reason.CONFIG, force=True)
        if live is not None and batch == live.slow_after:
            yield self._roll_out(batch, "config changed", self._live(live).play_slow())

    def _spoil(self, batch: str, engine: Engine) -> Iterator[ReplayRow]:
        """Let what is broken about a month arrive before it does."""
        live = self.script.live
        if live is not None and batch == live.turned.batch:
            before = current_dataset(self.model).version
            yield self._roll_out(batch, "labels turned", self._live(live).play_turned())
            # somebody looks at why it was taken back, and has the export sent again
            check_out_dataset(self.model, before, clock.now())
        if batch == self.script.corrupted.batch:
            broken = write_corrupted(self.model, self.script.corrupted)
            yield from engine.arrive(batch, [Batch(broken.name, broken)])

    def is_look_due(self, before: datetime, now: datetime) -> bool:
        """Ask about the time since the last asking once it is long enough; then somebody looks."""
        if now - self._asked_at < self.script.asking.every:
            return False
        self._asked_at = now
        self._traffic.ask(now)
        return True

    def finish(self, now: datetime) -> None:
        """Note nothing: the demo begins anew each time."""

    def _roll_out(self, month: str, event: str, turns: Iterator[Turn]) -> ReplayRow:
        """Tell what live requests do to a version that the gate has passed."""
        started, before, taken = time.monotonic(), find_champion(self.model), list[Turn]()
        for turn in turns:
            self.on_turn(turn)
            taken.append(turn)
        answering = [turn.at for turn in taken if turn.after.weight or turn.after.former]
        if answering:
            lasted = (taken[-1].at - answering[0]).total_seconds()
            self.timings.append(Timing("from its first answer to its end", lasted))
        return ReplayRow(
            month, 0, event, Action.TRAIN if taken else "", Outcome.PASS if taken else "", before,
            find_champion(self.model), None, None, time.monotonic() - started,
            taken_back=_tell_end(taken[-1]) if taken else "",
        )  # fmt: skip

    def _live(self, script: LiveScript) -> LiveDemo:
        return LiveDemo(self.model, script, self.service)


def replay_demo(
    model: str, script: DemoScript, service: ServiceClient, on_turn: Callable[[Turn], None]
) -> Engine:
    """Return the replay of a model by its `demo.toml`; its `timings` fill as it is played.

    `service` is a prediction service of this installation: what is kept up is scored by its answers.
    """
    promote_at_once(model)
    configure_retrain(model, script.retrain)
    world = DemoWorld(model, script, service, on_turn)
    engine = Engine(model, FlowLoop(model), world, script.bootstrap, script.until, DAY)
    engine.timings = world.timings
    return engine


def _tell_end(turn: Turn) -> str:
    failed = [verdict.rule for verdict in turn.verdicts if verdict.outcome is Outcome.FAIL]
    return f"taken back: {', '.join(failed) or turn.told}"
