"""Replay: history runs again on a simulated clock, through the very flows that run every day."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from flows.ingest import ingest
from flows.retrain import retrain
from millrace.adapters.service_client import ServiceClient
from millrace.domain.decision import Reason
from millrace.domain.demo import DemoScript
from millrace.domain.replay import QUARANTINED, ReplayRow
from millrace.steps.batch import BatchOutcome
from millrace.steps.replay import (
    ask_champion,
    broken_features,
    find_champion,
    list_source_batches,
    promote_at_once,
    score_batch,
    write_corrupted,
)

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Replay:
    """The replay of one model by its script; what each thing that arrived led to, as it happens.

    `service` is a prediction service of this installation: what is kept up is scored by its answers.
    """

    model: str
    script: DemoScript
    service: ServiceClient

    def play(self) -> Iterator[ReplayRow]:
        """Yield a row for each thing that arrives, in the order of the simulated clock."""
        promote_at_once(self.model)
        now = self.script.bootstrap
        known = list_source_batches(self.model, now)
        yield self._arrive(known[-1], now)
        frozen = find_champion(self.model)
        while now < self.script.until:
            now += DAY
            for batch in list_source_batches(self.model, now)[len(known) :]:
                known.append(batch)
                if batch == self.script.corrupted.batch:
                    corrupted = write_corrupted(self.model, self.script.corrupted)
                    yield self._arrive(batch, now, [corrupted])
                # the service is asked about the month before anybody knows how it ended
                kept = ask_champion(self.service, self.model, batch) if find_champion(self.model) else None
                arrived = self._arrive(batch, now)
                yield replace(
                    arrived, frozen=score_batch(self.model, frozen, batch) if frozen else None, kept=kept
                )
        with broken_features(self.model, self.script.bad_challenger):
            yield self._retrain(known[-1], now + DAY, Reason.CONFIG)

    def _arrive(self, month: str, now: datetime, files: list[Path] | None = None) -> ReplayRow:
        """Ingest what is there at `now`; what was accepted is a reason to retrain."""
        started = time.monotonic()
        results = ingest(self.model, files, now)
        rows = sum(result.rows for result in results)
        if any(result.outcome is BatchOutcome.QUARANTINED for result in results):
            champion = find_champion(self.model)
            seconds = time.monotonic() - started
            return ReplayRow(month, rows, QUARANTINED, "", "", champion, champion, None, None, seconds)
        retrained = self._retrain(month, now, Reason.NEW_ROWS)
        return replace(retrained, rows=rows, event="arrived", seconds=time.monotonic() - started)

    def _retrain(self, month: str, now: datetime, reason: Reason) -> ReplayRow:
        started, before = time.monotonic(), find_champion(self.model)
        result = retrain(self.model, reason, now=now)
        return ReplayRow(
            month=month,
            rows=0,
            event=f"{reason.value} changed",
            decision=result.decision.action,
            gate=result.judged.outcome if result.judged else "",
            champion_before=before,
            champion_after=find_champion(self.model),
            frozen=None,
            kept=None,
            seconds=time.monotonic() - started,
        )
