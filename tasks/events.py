"""Telling whoever listens, soon. An event is a hint: what it says stands in the ledger before it is sent."""

from prefect.events import emit_event

from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.dataset import current_dataset
from tasks.retries import local_task

DATA_PINNED = "millrace.data.pinned"


@local_task("tell who listens")
def emit_data_pinned(model: str, results: list[IngestResult]) -> None:
    """Say that rows were accepted and pinned, if any were; nobody has to listen."""
    accepted = [one for one in results if one.outcome is BatchOutcome.ACCEPTED]
    if not accepted:
        return
    dataset = current_dataset(model)
    emit_event(
        DATA_PINNED,
        resource={"prefect.resource.id": f"millrace.model.{model}", "prefect.resource.name": model},
        payload={
            "model": model,
            "dataset": dataset.version,
            "batches": [one.batch for one in accepted],
            "new_rows": sum(one.rows for one in accepted),
            "rows": dataset.rows,
        },
    )
