"""What became of the batches of a model?"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from millrace.domain.facts import BatchAccepted, BatchQuarantined
from millrace.domain.ledger import Entry
from millrace.errors import AmbiguousNameError, MillraceError, ModelFileError, UnknownModelError
from millrace.steps.automation import find_pause
from millrace.steps.stores import ensure_known, ledger
from millrace.steps.uploads import find_inbox, find_waiting_file, max_upload_bytes

LATEST = 30
"""How many of the latest are shown."""

_KINDS = (BatchAccepted, BatchQuarantined)
_DIGEST = re.compile(r"[0-9a-f]{12,64}")


class UnknownBatchDigestError(MillraceError):
    """Nothing is known of a batch whose digest starts with these characters."""

    def __init__(self, model: str, digest: str) -> None:
        self.model, self.digest = model, digest
        super().__init__(
            f"{model}: no batch {digest[:64]} was taken in, and none waits in the inbox. "
            f"`millrace history {model}` lists what happened"
        )


class BatchState(StrEnum):
    """What a batch is now."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Batch:
    """One batch by the SHA-256 of its bytes, with every entry about it; `name` is its file's."""

    digest: str
    name: str
    state: BatchState
    at: datetime
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class BatchesPage:
    """The latest batches of a model as they were at `at`, newest first.

    `inbox` is where uploads go, None where the model takes none.
    """

    at: datetime
    model: str
    inbox: str | None
    max_bytes: int
    count: int
    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class BatchPage:
    """One batch as it was at `at`; `paused` is why nothing is taken in, where that is so."""

    at: datetime
    model: str
    batch: Batch
    paused: str | None


def gather_batches(now: datetime, model: str) -> BatchesPage:
    """Read what the ledger knows of the model's batches."""
    ensure_known(model)
    batches = sorted(_list_batches(model), key=lambda batch: batch.entries[-1].seq, reverse=True)
    return BatchesPage(now, model, _inbox(model), max_upload_bytes(), len(batches), tuple(batches[:LATEST]))


def gather_batch(now: datetime, model: str, digest: str) -> BatchPage:
    """Read what became of the batch whose digest starts with `digest`.

    Raises
    ------
    UnknownModelError, UnknownBatchDigestError, AmbiguousNameError
        If there is none, or several.
    """
    ensure_known(model)
    return BatchPage(now, model, _find_batch(model, digest), find_pause(model))


def _find_batch(model: str, digest: str) -> Batch:
    if _DIGEST.fullmatch(digest) is None:
        raise UnknownBatchDigestError(model, digest)
    found = [batch for batch in _list_batches_like(model, digest) if batch.digest.startswith(digest)]
    if len(found) > 1:
        raise AmbiguousNameError(digest, tuple(batch.digest for batch in found))
    if found:
        return found[0]
    waiting = find_waiting_file(model, digest)
    if waiting is None:
        raise UnknownBatchDigestError(model, digest)
    name, came = waiting
    return Batch(digest, name, BatchState.WAITING, came)


def _list_batches_like(model: str, digest: str) -> list[Batch]:
    """List all batches, or none where this whole digest never came: a page that waits for it asks often."""
    is_whole = len(digest) == len(sha256().hexdigest())
    return [] if is_whole and ledger().arrival_state(model, digest) is None else _list_batches(model)


def _list_batches(model: str) -> list[Batch]:
    entries: dict[str, list[Entry]] = {}
    for entry in ledger().entries(model, _KINDS):
        if isinstance(fact := entry.fact, BatchAccepted | BatchQuarantined):
            entries.setdefault(fact.batch_digest, []).append(entry)
    return [_batch_of(digest, found) for digest, found in entries.items()]


def _batch_of(digest: str, entries: list[Entry]) -> Batch:
    last = entries[-1]
    if isinstance(last.fact, BatchAccepted):
        return Batch(digest, last.fact.part.batch, BatchState.ACCEPTED, last.at, tuple(entries))
    name = last.fact.batch if isinstance(last.fact, BatchQuarantined) else ""
    return Batch(digest, name, BatchState.QUARANTINED, last.at, tuple(entries))


def _inbox(model: str) -> str | None:
    try:
        return find_inbox(model)
    except (UnknownModelError, ModelFileError):
        return None  # only the ledger knows it, or its file is being edited: nothing is taken in
