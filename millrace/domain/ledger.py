"""What happened, in which order, and has nobody changed it since?"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from millrace.domain.canonical import canonical_json
from millrace.domain.facts import Fact
from millrace.errors import MillraceError

GENESIS = "0" * 64
"""The previous hash of the first entry."""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger; `hash` covers everything before it and itself.

    `body` is the fact's canonical JSON as it was written. The hash covers it, not the fact
    read from it, so that a field that a kind gains later breaks no older chain.
    """

    seq: int
    at: datetime
    actor: str
    model: str
    fact: Fact
    body: str
    prev_hash: str
    hash: str

    @property
    def kind(self) -> str:
        return type(self.fact).__name__


class BrokenChainError(MillraceError):
    """An entry does not follow from the one before it: the ledger was changed by hand."""

    def __init__(self, seq: int, found: str, wanted: str) -> None:
        self.seq, self.found, self.wanted = seq, found, wanted
        super().__init__(
            f"ledger entry {seq}: found {found}, wanted {wanted}. The ledger was changed outside Millrace; "
            "restore it from a backup and run `millrace audit verify`"
        )


def hash_entry(entry: Entry) -> str:
    """Return the SHA-256 over the previous hash and the canonical JSON of the rest of the entry."""
    rest = canonical_json([entry.seq, entry.at, entry.actor, entry.kind, entry.model, entry.body])
    return hashlib.sha256(f"{entry.prev_hash}{rest}".encode()).hexdigest()


def next_entry(previous: Entry | None, at: datetime, actor: str, model: str, fact: Fact) -> Entry:
    """Return the entry that follows `previous`, or the first one."""
    seq, prev_hash = _place_after(previous)
    entry = Entry(seq, at, actor, model, fact, canonical_json(fact), prev_hash, hash="")
    return replace(entry, hash=hash_entry(entry))


def _place_after(previous: Entry | None) -> tuple[int, str]:
    return (previous.seq + 1, previous.hash) if previous else (1, GENESIS)


def verify_chain(entries: Iterable[Entry], previous: Entry | None = None) -> Entry | None:
    """Return the last of `entries` when each follows from the one before it.

    Raises
    ------
    BrokenChainError
        At the first entry whose number, previous hash or own hash is not what it must be.
    """
    for entry in entries:
        seq, prev_hash = _place_after(previous)
        for found, needed in (
            (entry.seq, seq),
            (entry.prev_hash, prev_hash),
            (entry.hash, hash_entry(entry)),
        ):
            if found != needed:
                raise BrokenChainError(seq, str(found), str(needed))
        previous = entry
    return previous
