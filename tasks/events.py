"""Telling whoever listens, soon. An event is a hint: what it says stands in the ledger before it is sent."""

from prefect.events import emit_event

from millrace.domain.facts import WindowMonitored
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.dataset import current_dataset
from tasks.retries import local_task

DATA_PINNED = "millrace.data.pinned"
DRIFT_DETECTED = "millrace.drift.detected"
PERFORMANCE_DECAYED = "millrace.performance.decayed"


@local_task("tell who listens")
def emit_data_pinned(model: str, results: list[IngestResult]) -> None:
    """Say that rows were accepted and pinned, if any were; nobody has to listen."""
    accepted = [one for one in results if one.outcome is BatchOutcome.ACCEPTED]
    if not accepted:
        return
    dataset = current_dataset(model)
    emit_event(
        DATA_PINNED,
        resource=_resource(model),
        payload={
            "model": model,
            "dataset": dataset.version,
            "batches": [one.batch for one in accepted],
            "new_rows": sum(one.rows for one in accepted),
            "rows": dataset.rows,
        },
    )


@local_task("tell who listens")
def emit_detections(model: str, looked: WindowMonitored) -> None:
    """Say that a drift or a decay asks for a retraining, if one does."""
    if looked.drift is not None:
        share = round(looked.drift.share, 4)
        found = {"share": share, "columns": list(looked.drift.columns), "windows": looked.drift.windows}
        _emit(DRIFT_DETECTED, model, looked, found)
    if looked.decay is not None:
        excess = float(f"{looked.decay.excess_loss:.4g}")
        found = {"excess_loss": excess, "metric": looked.decay.metric, "windows": looked.decay.windows}
        _emit(PERFORMANCE_DECAYED, model, looked, found)


def _emit(event: str, model: str, looked: WindowMonitored, found: dict[str, object]) -> None:
    emit_event(
        event,
        resource=_resource(model),
        payload={
            "model": model,
            "digest": looked.digest,
            "start": looked.start.isoformat(),
            "end": looked.end.isoformat(),
            **found,
        },
    )


def _resource(model: str) -> dict[str, str]:
    return {"prefect.resource.id": f"millrace.model.{model}", "prefect.resource.name": model}
