"""Batches that broke the contract: their bytes, and why."""

from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.batches import StagedBatch
from millrace.domain.canonical import readable_json
from millrace.domain.contract import Violation
from millrace.domain.facts import BatchAccepted, BatchQuarantined
from millrace.domain.ledger import Entry
from millrace.domain.poisoning.judged import is_broken
from millrace.errors import AmbiguousNameError, MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import ensure_known, ledger

REPORT = "report.json"


class NotInQuarantineError(MillraceError):
    """No quarantined batch of that model has a digest that starts with these characters."""

    def __init__(self, model: str, digest: str) -> None:
        self.model, self.digest = model, digest
        super().__init__(
            f"{model}: no batch {digest} in quarantine. `millrace quarantine list` shows what is there"
        )


@dataclass(frozen=True)
class Quarantined:
    """A batch in quarantine, where its bytes lie, and the ledger entry that put it there."""

    entry: Entry
    fact: BatchQuarantined
    file: Path


def keep_in_quarantine(model: str, staged: StagedBatch, fact: BatchQuarantined) -> None:
    """Move the staged bytes to the quarantine and write the report beside them."""
    folder = _folder(model, staged.digest)
    folder.mkdir(parents=True, exist_ok=True)
    staged.path.replace(_file(model, fact))
    (folder / REPORT).write_text(readable_json(fact), encoding="utf-8")


def list_quarantined(model: str | None = None) -> list[Quarantined]:
    """List what waits in quarantine, oldest first; a batch quarantined twice stands once."""
    if model is not None:
        ensure_known(model)
    waiting: dict[tuple[str, str], Quarantined] = {}
    for entry in ledger().entries(model, (BatchQuarantined, BatchAccepted)):
        match entry.fact:
            case BatchQuarantined() as fact:
                found = Quarantined(entry, fact, _file(entry.model, fact))
                waiting[entry.model, fact.batch_digest] = found
            case BatchAccepted() as fact:
                waiting.pop((entry.model, fact.batch_digest), None)
            case _:
                pass
    return list(waiting.values())


def find_quarantined(model: str, digest: str) -> Quarantined:
    """Return the one quarantined batch whose digest starts with `digest`."""
    found = [one for one in list_quarantined(model) if one.fact.batch_digest.startswith(digest)]
    if not found:
        raise NotInQuarantineError(model, digest)
    if len(found) > 1:
        raise AmbiguousNameError(digest, tuple(one.fact.batch_digest for one in found))
    return found[0]


def find_waiting(model: str, batch_digest: str) -> BatchQuarantined | None:
    """Return why these very bytes wait in quarantine, None when they do not."""
    facts = (found.fact for found in list_quarantined(model))
    return next((fact for fact in facts if fact.batch_digest == batch_digest), None)


def is_no_news(waiting: BatchQuarantined, found: tuple[Violation, ...]) -> bool:
    """Say whether a waiting batch waits for the same: what is usual moves on, and the words with it."""
    return _reasons(waiting.violations) == _reasons(found)


def _reasons(violations: tuple[Violation, ...]) -> set[tuple[object, ...]]:
    return {(one.matter, is_broken(one), one.count) for one in violations}


def _folder(model: str, digest: str) -> Path:
    return load_settings().quarantine / model / digest


def _file(model: str, fact: BatchQuarantined) -> Path:
    name = Path(fact.batch).name  # a source may call a batch `eu/2013-01`
    name = name if Path(name).suffix else f"{name}.parquet"
    return _folder(model, fact.batch_digest) / name
