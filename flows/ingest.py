"""Ingest: what arrived is checked, then accepted into the dataset or quarantined with a report."""

from datetime import datetime
from pathlib import Path

from prefect import flow

from millrace.adapters import clock
from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.work import IngestReason
from millrace.steps.arrivals import Arrival
from millrace.steps.batch import IngestResult, leave_alone
from millrace.steps.claims import held
from millrace.steps.leftovers import sweep_leftovers
from tasks.alerts import send_alerts
from tasks.arrivals import list_arrivals, stage_arrival
from tasks.batch import accept_batch, check_batch, claim_batch, quarantine_batch
from tasks.dataset import publish_dataset
from tasks.ending import end_ingest
from tasks.events import emit_data_pinned
from tasks.run import name_run
from tasks.source import find_why_not, finish_ingest


@flow(name="ingest", flow_run_name=name_run, persist_result=False)
def ingest(
    model: str,
    files: list[Path] | None = None,
    now: datetime | None = None,
    reason: IngestReason = IngestReason.BY_HAND,
    detail: str = "",
) -> list[IngestResult]:
    """Take in `files`, or whatever the model's inbox or source has for it.

    `detail` is what the one who asks has found, in its words.

    The ledger entry of each batch is its commit point; the dataset file and the DVC pin
    follow from the ledger, so a run that dies has lost nothing and the next one goes on.
    """
    now = now or clock.now()
    why_not = find_why_not(model, reason, now)
    if why_not is not None:
        return end_ingest([], why_not)
    sweep_leftovers()
    results, failures = _take_in_each(list_arrivals(model, files, now), now)
    publish_dataset(model)
    emit_data_pinned(model, results)
    send_alerts(model, now)
    if failures:
        raise failures[0]
    finish_ingest(model, files, len(results), now)
    return end_ingest(results)


def _take_in_each(arrivals: list[Arrival], now: datetime) -> tuple[list[IngestResult], list[Exception]]:
    """Take in every batch: one that cannot be read to its end keeps none of the others out."""
    results, failures = [], []
    for arrival in arrivals:
        try:
            results.append(_take_in(arrival, now))
        except Exception as error:  # noqa: BLE001 (the first of them is raised when all were tried)
            failures.append(error)
    return results, failures


def _take_in(arrival: Arrival, now: datetime) -> IngestResult:
    staged = stage_arrival(arrival)
    try:
        claim = claim_batch(arrival, staged)
    except (ClaimDoneError, ClaimHeldError) as why:
        return leave_alone(arrival, staged, why)
    with held(claim):
        checked = check_batch(arrival, staged, now)
        if checked.violations:
            return quarantine_batch(arrival, checked, claim, now)
        return accept_batch(arrival, checked, claim, now)
