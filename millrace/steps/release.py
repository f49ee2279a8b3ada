"""A person lets a quarantined batch in."""

from datetime import datetime

from millrace.errors import MillraceError, MissingReasonError
from millrace.steps.arrivals import Arrival, stage_arrival
from millrace.steps.batch import IngestResult, accept_batch, claim_batch, hold_to_contract
from millrace.steps.claims import held
from millrace.steps.dataset import publish_dataset
from millrace.steps.quarantine import find_quarantined


class CannotReleaseError(MillraceError):
    """The batch breaks clauses nobody can waive: its rows cannot be stored, or would spoil the golden set."""

    def __init__(self, batch: str, messages: tuple[str, ...]) -> None:
        self.batch, self.messages = batch, messages
        super().__init__(
            f"{batch} cannot be released: {'; '.join(messages)}. Correct the file and ingest it again"
        )


def release_batch(model: str, digest: str, reason: str, run_id: str, now: datetime) -> IngestResult:
    """Accept a quarantined batch although it broke the contract; the reason goes to the ledger."""
    if not reason.strip():
        raise MissingReasonError("release")
    found = find_quarantined(model, digest)
    arrival = Arrival(model, found.fact.batch, found.file)
    staged = stage_arrival(arrival)
    with held(claim_batch(arrival, staged, run_id)) as claim:
        checked = hold_to_contract(arrival, staged, now)
        if checked.written is None:
            staged.path.unlink()
            lasting = tuple(one.message for one in checked.violations if not one.waivable)
            raise CannotReleaseError(arrival.batch, lasting)
        result = accept_batch(arrival, checked, claim, now, release_reason=reason)
    publish_dataset(model)
    return result
