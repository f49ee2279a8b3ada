"""Replay: a year of history on a simulated clock, through the very flows that run every day."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from flows.ingest import ingest
from flows.live import LiveDemo
from flows.monitor import monitor
from flows.retrain import retrain
from millrace.adapters import clock
from millrace.adapters.service_client import ServiceClient
from millrace.domain.decision import Reason
from millrace.domain.demo import DemoScript, LiveScript
from millrace.domain.facts import Action
from millrace.domain.replay import QUARANTINED, ReplayRow, Timing
from millrace.domain.rollout.timeline import Turn
from millrace.domain.schedule import last_due
from millrace.domain.verdict import Outcome
from millrace.domain.work import MonitorReason
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset
from millrace.steps.progress import timing
from millrace.steps.replay import (
    broken_features,
    configure_retrain,
    find_champion,
    list_source_batches,
    promote_at_once,
    write_corrupted,
)
from millrace.steps.restore import check_out_dataset
from millrace.steps.stores import model_config
from millrace.steps.traffic import Traffic

DAY = timedelta(days=1)
AFTER_DECIDING = "read and verify the rows"
"""The step of a training that begins when it was decided on."""


@dataclass
class Replay:
    """The replay of one model by its script; what each thing that happened led to, as it happens.

    `service` is a prediction service of this installation: what is kept up is scored by its answers.
    `timings` fill as the replay goes on; `on_turn` hears of each turn of a rollout.
    """

    model: str
    script: DemoScript
    service: ServiceClient
    on_turn: Callable[[Turn], None]
    timings: list[Timing] = field(default_factory=list)

    def __post_init__(self) -> None:
        everything = list_source_batches(self.model, self.script.until)
        self._traffic = Traffic(self.model, self.service, self.script.asking, everything)
        self._frozen: str | None = None
        self._scored_until = self.script.bootstrap
        self._now = self.script.bootstrap

    def play(self) -> Iterator[ReplayRow]:
        """Yield a row for each thing that happens, in the order of the simulated clock."""
        promote_at_once(self.model)
        configure_retrain(self.model, self.script.retrain)
        known = list_source_batches(self.model, self._now)
        clock.set_clock(self._now)
        yield self._arrive(known[-1])
        self._frozen = find_champion(self.model)
        asked_at = self._now
        while self._now < self.script.until:
            self._now += DAY
            clock.set_clock(self._now)
            self._traffic.tell(self._now)
            for batch in list_source_batches(self.model, self._now)[len(known) :]:
                known.append(batch)
                yield from self._end_month(batch)
            if self._now - asked_at >= self.script.asking.every:
                asked_at = self._now
                self._traffic.ask(self._now)
                yield from self._look()
            yield from self._keep_schedule()

    def _end_month(self, batch: str) -> Iterator[ReplayRow]:
        """Let a month arrive, and whatever accident the script has for it."""
        live = self.script.live
        frozen, kept = self._traffic.score(self._scored_until, self._now, self._frozen)
        self._scored_until = self._now
        if live is not None and batch == live.turned.batch:
            before = current_dataset(self.model).version
            yield self._roll_out(batch, "labels turned", self._live(live).play_turned())
            # somebody looks at why it was taken back, and has the export sent again
            check_out_dataset(self.model, before, clock.now())
        if batch == self.script.corrupted.batch:
            yield self._arrive(batch, [write_corrupted(self.model, self.script.corrupted)])
        yield replace(self._arrive(batch), frozen=frozen, kept=kept)
        if batch == self.script.bad_challenger.after:
            with broken_features(self.model, self.script.bad_challenger):
                yield self._retrain(batch, Reason.CONFIG, force=True)
        if live is not None and batch == live.slow_after:
            yield self._roll_out(batch, "config changed", self._live(live).play_slow())

    def _arrive(self, month: str, files: list[Path] | None = None) -> ReplayRow:
        """Ingest what is there; what was accepted is a reason to retrain."""
        started = time.monotonic()
        results = ingest(self.model, files, self._now)
        rows = sum(result.rows for result in results)
        if any(result.outcome is BatchOutcome.QUARANTINED for result in results):
            champion = find_champion(self.model)
            seconds = time.monotonic() - started
            return ReplayRow(month, rows, QUARANTINED, "", "", champion, champion, None, None, seconds)
        retrained = self._retrain(month, Reason.NEW_ROWS)
        return replace(retrained, rows=rows, event="arrived", seconds=time.monotonic() - started)

    def _look(self) -> Iterator[ReplayRow]:
        """Look at what was asked, if the model says how; a drift or a decay is a reason to retrain."""
        if model_config(self.model).monitor is None:
            return
        started = time.monotonic()
        looked = monitor(self.model, MonitorReason.SCHEDULE, now=clock.now())
        if looked is None:
            return
        if looked.drift is not None:
            yield self._retrain(self._month, Reason.DRIFT, since=started, detail=f"{looked.drift.share:.2f}")
        elif looked.decay is not None:
            excess = f"{looked.decay.excess_loss:.3f}"
            yield self._retrain(self._month, Reason.DECAY, since=started, detail=excess)

    def _keep_schedule(self) -> Iterator[ReplayRow]:
        schedule = model_config(self.model).retrain.schedule
        if schedule is not None and last_due(schedule, self._now) > self._now - DAY:
            row = self._retrain(self._month, Reason.SCHEDULE)
            if row.decision == Action.TRAIN:
                yield row

    def _retrain(
        self, month: str, reason: Reason, *, since: float | None = None, detail: str = "", force: bool = False
    ) -> ReplayRow:
        started, before = time.monotonic(), find_champion(self.model)
        with timing() as began:
            result = retrain(self.model, reason, detail, force, now=self._now)
        ended, after, decided = time.monotonic(), find_champion(self.model), began.get(AFTER_DECIDING)
        if decided is not None and since is not None:
            self.timings.append(Timing("from drift to decision", decided - since))
        if decided is not None and after != before:
            self.timings.append(Timing("from decision to champion", ended - decided))
        return ReplayRow(
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

    @property
    def _month(self) -> str:
        return f"{self._now:%Y-%m}"


def _tell_end(turn: Turn) -> str:
    failed = [verdict.rule for verdict in turn.verdicts if verdict.outcome is Outcome.FAIL]
    return f"taken back: {', '.join(failed) or turn.told}"
