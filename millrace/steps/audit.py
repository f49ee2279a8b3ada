"""Was anything changed since it was written?"""

from dataclasses import dataclass
from functools import partial

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder, list_published, read_pointer
from millrace.adapters.gate_report_store import verify_report
from millrace.adapters.keys import verify
from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, ServingFact
from millrace.domain.ledger import GENESIS, Entry, verify_chain
from millrace.domain.serving import Serving, serving_after, standing_champions
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import ledger


class CutLedgerError(MillraceError):
    """A pointer names a ledger entry that is not there: the tail was cut off."""

    def __init__(self, model: str, head: str) -> None:
        self.model, self.head = model, head
        super().__init__(
            f"{model}: its pointer was published at ledger head {head[:12]}, which is not in the ledger. "
            "Entries were cut off; restore the ledger from a backup and run `millrace audit verify`"
        )


class ServingDiffersError(MillraceError):
    """What serves is not what the entries say."""

    def __init__(self, model: str, found: str, wanted: str) -> None:
        self.model, self.found, self.wanted = model, found, wanted
        super().__init__(
            f"{model}: the serving table says {found}, the entries say {wanted}. It was changed outside "
            "Millrace; restore the ledger from a backup and run `millrace audit verify`"
        )


@dataclass(frozen=True)
class Audited:
    """What was recomputed and found unchanged; of `missing_reports` the ledger's own verdicts are left."""

    entries: int
    head: str
    pointers: int
    bundles: int
    reports: int
    missing_reports: int


def verify_everything() -> Audited:
    """Recompute the whole chain, find each pointer's head in it, rehash standing champions and gate reports.

    Raises
    ------
    BrokenChainError, ServingDiffersError, CutLedgerError, BadPointerError, CorruptBundleError,
    DamagedReportError
        At the first thing that is not as it was written.
    """
    settings = load_settings()
    entries = ledger().entries()
    head = verify_chain(entries)
    hashes = {entry.hash for entry in entries}
    models = [serving.model for serving in ledger().list_serving()]
    _compare_serving(entries)
    # of every model that was ever published: who cuts entries off can cut the serving table too
    told = sorted({*models, *list_published(settings.channel)})
    pointers = [read_pointer(settings.channel, model, partial(verify, settings.keys)) for model in told]
    published = [pointer for pointer in pointers if pointer is not None]
    for pointer in published:
        if pointer.ledger_head not in hashes:
            raise CutLedgerError(pointer.model, pointer.ledger_head)
    bundles = [digest for model in models for digest in _standing(model)]
    for digest in bundles:
        verify_bundle(bundles_folder(settings.channel), digest)
    reports = [verify_report(settings.var / "gate", *named) for named in _named_reports(entries)]
    return Audited(
        entries=len(entries),
        head=head.hash if head else GENESIS,
        pointers=len(published),
        bundles=len(bundles),
        reports=reports.count(True),
        missing_reports=reports.count(False),
    )


def _named_reports(entries: list[Entry]) -> list[tuple[str, str]]:
    """Return the model and the digest of each report of the gate that the ledger names, once."""
    named = (
        (entry.model, entry.fact.report)
        for entry in entries
        if isinstance(entry.fact, ChallengerJudged) and entry.fact.report is not None
    )
    return list(dict.fromkeys(named))


def _compare_serving(entries: list[Entry]) -> None:
    wanted: dict[str, Serving] = {}
    for entry in entries:
        if isinstance(entry.fact, ServingFact):
            before = wanted.get(entry.model, Serving(entry.model))
            wanted[entry.model] = serving_after(before, entry.fact)
    found = {serving.model: serving for serving in ledger().list_serving()}
    for model in sorted(wanted.keys() | found.keys()):
        if found.get(model) != wanted.get(model):
            raise ServingDiffersError(model, _spell(found.get(model)), _spell(wanted.get(model)))


def _spell(serving: Serving | None) -> str:
    if serving is None:
        return "nothing"
    rest = f", challenger {serving.challenger} at {serving.weight} %" if serving.challenger else ""
    return f"generation {serving.generation}, champion {serving.champion}{rest}"


def _standing(model: str) -> tuple[str, ...]:
    return standing_champions(entry.fact for entry in ledger().entries(model, CHAMPION_KINDS))
