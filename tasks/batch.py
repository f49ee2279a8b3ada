"""One batch, from its claim to the dataset or the quarantine."""

from datetime import datetime

from millrace.adapters.batches import StagedBatch
from millrace.domain.claim import Claim
from millrace.steps import batch
from millrace.steps.arrivals import Arrival
from tasks.retries import local_task, network_task
from tasks.run import run_id
from tasks.show import show_table, tell


@network_task("claim the batch")
def claim_batch(arrival: Arrival, staged: StagedBatch) -> Claim:
    """Take the right to take in these bytes, for this flow run."""
    return batch.claim_batch(arrival, staged, run_id())


@network_task("quarantine the batch")
def quarantine_batch(
    arrival: Arrival, checked: batch.CheckedBatch, claim: Claim, now: datetime
) -> batch.IngestResult:
    """Keep the batch apart, and show in the UI what it broke."""
    result = batch.quarantine_batch(arrival, checked, claim, now)
    tell(
        f"batch {arrival.batch} is quarantined: {len(checked.violations)} clauses of its contract are broken"
    )
    broken: list[dict[str, object]] = [
        {"clause": one.clause, "column": one.column, "count": one.count, "found": one.message}
        for one in checked.violations
    ]
    show_table(arrival.model, "violations", broken, f"Why batch {arrival.batch} is in quarantine.")
    return result


check_batch = local_task("hold the batch to the contract")(batch.hold_to_contract)


@network_task("accept the batch")
def accept_batch(
    arrival: Arrival, checked: batch.CheckedBatch, claim: Claim, now: datetime
) -> batch.IngestResult:
    """Make the batch a part of the dataset."""
    result = batch.accept_batch(arrival, checked, claim, now)
    tell(f"batch {arrival.batch} is accepted, {result.rows:,} rows")
    return result
