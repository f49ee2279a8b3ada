"""A person lets a quarantined batch in."""

from datetime import datetime

from millrace.adapters.batches import StagedBatch
from millrace.domain.facts import BatchQuarantined
from millrace.domain.poisoning.judged import list_unseen
from millrace.errors import MillraceError, MissingReasonError
from millrace.steps.arrivals import Arrival, stage_arrival
from millrace.steps.batch import (
    IngestResult,
    accept_batch,
    claim_batch,
    hold_to_contract,
    quarantine_batch,
)
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


class OtherBytesError(MillraceError):
    """The file in quarantine is not the one that was put there."""

    def __init__(self, batch: str, found: str, wanted: str) -> None:
        self.batch, self.found, self.wanted = batch, found, wanted
        super().__init__(
            f"{batch} cannot be released: its file has sha256 {found}, and {wanted} was quarantined. "
            "Somebody has changed it: ingest the right file again"
        )


class NewFindingsError(MillraceError):
    """The checks find what nobody has seen yet."""

    def __init__(self, model: str, digest: str, batch: str, messages: tuple[str, ...]) -> None:
        self.model, self.digest, self.batch, self.messages = model, digest, batch, messages
        super().__init__(
            f"{batch} is not released: since it was quarantined the checks find {'; '.join(messages)}. "
            f"Look at it with `millrace quarantine show {model} {digest[:12]}`, then release it again"
        )


def release_batch(model: str, digest: str, reason: str, run_id: str, now: datetime) -> IngestResult:
    """Accept a quarantined batch although it broke the contract; the reason goes to the ledger.

    Raises
    ------
    OtherBytesError
        If the file is another one by now.
    NewFindingsError
        If the checks find more than the person can have seen: it waits on, with all of it.
    CannotReleaseError
        If its rows cannot be stored.
    """
    if not reason.strip():
        raise MissingReasonError("release")
    found = find_quarantined(model, digest)
    arrival = Arrival(model, found.fact.batch, found.file)
    staged = stage_arrival(arrival)
    _ensure_same_bytes(staged, found.fact)
    with held(claim_batch(arrival, staged, run_id)) as claim:
        checked = hold_to_contract(arrival, staged, now)
        if checked.written is None:
            staged.path.unlink()
            lasting = tuple(one.message for one in checked.violations if not one.waivable)
            raise CannotReleaseError(arrival.batch, lasting)
        # who delivered what was judged when it came: the person and the folder of the release are no delivery
        judged = [one for one in checked.violations if one.clause != "provenance"]
        unseen = list_unseen(judged, found.fact.violations)
        if unseen:
            quarantine_batch(arrival, checked, claim, now)
            raise NewFindingsError(model, staged.digest, arrival.batch, tuple(one.message for one in unseen))
        result = accept_batch(arrival, checked, claim, now, release_reason=reason)
    publish_dataset(model)
    return result


def _ensure_same_bytes(staged: StagedBatch, fact: BatchQuarantined) -> None:
    if staged.digest != fact.batch_digest:
        staged.path.unlink()
        raise OtherBytesError(fact.batch, staged.digest, fact.batch_digest)
