"""The loop without Prefect: the steps of `ingest` and `retrain` in the order of their flows.

tests/flows holds the order itself; everything here is for tests of what the steps do.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.decision import Reason
from millrace.domain.verdict import Outcome
from millrace.steps.arrivals import Arrival, list_arrivals, stage_arrival
from millrace.steps.batch import (
    IngestResult,
    accept_batch,
    claim_batch,
    hold_to_contract,
    leave_alone,
    quarantine_batch,
)
from millrace.steps.claims import held
from millrace.steps.dataset import publish_dataset
from millrace.steps.decide import RetrainResult, decide_retraining, finish_run
from millrace.steps.gate import judge_challenger
from millrace.steps.register import register_version
from millrace.steps.rollout import start_rollout
from millrace.steps.rows import load_rows
from millrace.steps.serve import publish_model_pointer, publish_serving
from millrace.steps.train import train_challenger


def take_in(model: str, now: datetime, files: Sequence[Path] | None = None) -> list[IngestResult]:
    """Ingest what has arrived at `now`."""
    arrivals = list_arrivals(model, None if files is None else list(files), now)
    results = [_take_in_one(arrival, now) for arrival in arrivals]
    publish_dataset(model)
    return results


def _take_in_one(arrival: Arrival, now: datetime) -> IngestResult:
    staged = stage_arrival(arrival)
    try:
        claim = claim_batch(arrival, staged, "ingest by a test")
    except (ClaimDoneError, ClaimHeldError) as why:
        return leave_alone(arrival, staged, why)
    with held(claim):
        checked = hold_to_contract(arrival, staged, now)
        act = quarantine_batch if checked.violations else accept_batch
        return act(arrival, checked, claim, now)


def retrain(
    model: str,
    now: datetime,
    reason: Reason = Reason.BY_HAND,
    *,
    force: bool = False,
    in_catalogue: bool = False,
) -> RetrainResult:
    """Decide, train, judge, and crown on a pass; MLflow is left out unless a test is about it."""
    decided = decide_retraining(model, reason, force, now, "retrain by a test")
    if decided.claim is None:
        return RetrainResult(decided.decision)
    registered = None
    with held(decided.claim) as claim:
        rows = load_rows(model, decided.decision.inputs.dataset, now)
        trained = train_challenger(model, rows, decided.decision, claim, now, lambda _done, _total: None)
        judged = judge_challenger(model, rows, trained, claim, now)
        if in_catalogue:
            registered = register_version(model, rows, trained, judged, claim, now)
        passed = judged.outcome is Outcome.PASS
        rollout = start_rollout(model, judged, claim, now) if passed else None
        finish_run(claim, judged)
    if in_catalogue:
        publish_serving(model, now)
    else:
        publish_model_pointer(model, now)
    return RetrainResult(decided.decision, trained, judged, registered, rollout)
