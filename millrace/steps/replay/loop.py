"""The loop without Prefect: what the flows `ingest`, `retrain` and `monitor` do, by the same steps.

A replay decides hundreds of times, and a flow run costs a second. What only an installation needs is left
out: pin, catalogue, pointer, alerts, reports. tests/flows/test_replay.py holds both to the same entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.decision import Reason
from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.verdict import Outcome
from millrace.domain.work import FlowName
from millrace.steps.arrivals import Arrival, list_arrivals, stage_arrival
from millrace.steps.batch import (
    IngestResult,
    accept_batch,
    claim_batch,
    hold_to_contract,
    leave_alone,
    quarantine_batch,
)
from millrace.steps.claims import held, taking_turns
from millrace.steps.decide import RetrainResult, decide_retraining, finish_run
from millrace.steps.gate import judge_challenger
from millrace.steps.inbox import InboxWatch
from millrace.steps.leftovers import sweep_leftovers
from millrace.steps.monitoring.compare import measure_drift
from millrace.steps.monitoring.counting import count_window
from millrace.steps.monitoring.look import find_hindrance, find_newer_look, next_window, record_look
from millrace.steps.monitoring.performance import measure_performance
from millrace.steps.replay.engine import Batch
from millrace.steps.rollout import start_rollout
from millrace.steps.rows import load_rows
from millrace.steps.stores import ledger
from millrace.steps.train import train_challenger
from millrace.steps.work import find_work

RUN = "replay"
RELEASED = "released when it happened"


@dataclass(frozen=True)
class PlainLoop:
    """The steps of the flows, in their order. One that `is_frozen` keeps its first champion for ever."""

    model: str
    is_frozen: bool = False

    def ingest(self, batches: Sequence[Batch] | None, now: datetime) -> list[IngestResult]:
        """Take in batches, or all that the model's inbox and source have."""
        sweep_leftovers()
        if batches is None:
            return [_take_in(arrival, False, now) for arrival in list_arrivals(self.model, None, now)]
        return [
            _take_in(Arrival(self.model, batch.name, batch.file), batch.is_released, now) for batch in batches
        ]

    def retrain(self, reason: Reason, detail: str, force: bool, now: datetime) -> RetrainResult | None:
        """Decide, train, judge, and promote on a pass: history has no live requests for a rollout."""
        model = self.model
        if self.is_frozen and ledger().serving(model).champion is not None:
            return None
        decided = decide_retraining(model, reason, force, now, RUN, detail)
        if decided.claim is None:
            return RetrainResult(decided.decision)
        with held(decided.claim) as claim:
            rows = load_rows(model, decided.decision.inputs.dataset, now)
            trained = train_challenger(model, rows, decided.decision, claim, now, lambda _done, _total: None)
            judged = judge_challenger(model, rows, trained, claim, now)
            passed = judged.outcome is Outcome.PASS
            rollout = start_rollout(model, judged, claim, now) if passed else None
            finish_run(claim, judged)
        return RetrainResult(decided.decision, trained, judged, None, rollout)

    def monitor(self, now: datetime) -> WindowMonitored | None:
        """Look at what was asked; of its health nothing is known, for nobody was answered."""
        model, taken = self.model, find_newer_look(self.model, 0)
        if taken is not None and taken.end == now:  # before this replay was stopped
            return taken
        if find_hindrance(model, now) is not None:
            return None
        with taking_turns(f"monitor:{model}:look", RUN) as claim:
            window = next_window(model, now)
            counted = count_window(model, window)
            found = WindowFindings(
                model, window.digest, window.start, window.end,
                drift=measure_drift(model, counted),
                performance=measure_performance(model, window),
                health=(),
            )  # fmt: skip
            return record_look(model, window, counted, found, claim, now)

    def find_waiting(self, now: datetime) -> Reason | None:
        """Return why the controller would have a training begin now, such as that a cooldown is over."""
        if self.is_frozen and ledger().serving(self.model).champion is not None:
            return None
        for work in find_work(self.model, InboxWatch(), now):
            if work.flow is FlowName.RETRAIN:
                return Reason(work.reason)
        return None


def _take_in(arrival: Arrival, is_released: bool, now: datetime) -> IngestResult:
    staged = stage_arrival(arrival)
    try:
        claim = claim_batch(arrival, staged, RUN)
    except (ClaimDoneError, ClaimHeldError) as why:
        return leave_alone(arrival, staged, why)
    with held(claim):
        checked = hold_to_contract(arrival, staged, now)
        if checked.violations and is_released and checked.written is not None:
            return accept_batch(arrival, checked, claim, now, release_reason=RELEASED)
        act = quarantine_batch if checked.violations else accept_batch
        return act(arrival, checked, claim, now)
