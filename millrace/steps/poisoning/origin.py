"""Where does a batch come from, and what has come from there before?"""

from datetime import datetime
from pathlib import Path

from millrace.adapters.batches import StagedBatch
from millrace.domain.facts import BatchAccepted
from millrace.domain.poisoning.profile import BatchProfile
from millrace.domain.poisoning.provenance import Origin
from millrace.domain.poisoning.quota import Delivered
from millrace.steps.actor import current_actor
from millrace.steps.arrivals import SIDECAR, Arrival
from millrace.steps.dataset import current_dataset
from millrace.steps.stores import ledger


def find_origin(arrival: Arrival, staged: StagedBatch) -> Origin:
    """Say who takes in what, and what its sidecar file promises."""
    promised = None if arrival.file is None else read_sidecar(arrival.file)
    return Origin(arrival.batch, current_actor(), staged.digest, promised, arrival.file is not None)


def read_sidecar(file: Path) -> str | None:
    """Read the first word of `<file>.sha256`, None where there is none; an empty one promises nothing."""
    beside = file.with_name(file.name + SIDECAR)
    if not beside.is_file():
        return None
    words = beside.read_text("utf-8", errors="replace").split()
    return words[0].lower() if words else ""


def list_deliveries(model: str, now: datetime) -> list[Delivered]:
    """List the batches the dataset has, those of a clone too, and which came on the day of `now`."""
    days = {fact.part.sha256: at.date() for at, fact in _list_accepted(model)}
    return [
        Delivered(part.batch, part.rows, days.get(part.sha256) == now.date())
        for part in current_dataset(model).parts
    ]


def list_profiles(model: str) -> list[BatchProfile]:
    """List the profiles of the batches the dataset has, oldest first; those taken out again count no more."""
    return [fact.profile for _, fact in _list_accepted(model) if fact.profile is not None]


def _list_accepted(model: str) -> list[tuple[datetime, BatchAccepted]]:
    kept = {part.sha256 for part in current_dataset(model).parts}
    return [
        (entry.at, entry.fact)
        for entry in ledger().entries(model, (BatchAccepted,))
        if isinstance(entry.fact, BatchAccepted) and entry.fact.part.sha256 in kept
    ]
