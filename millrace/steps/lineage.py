"""Where does a version come from, and what became of it?"""

from dataclasses import dataclass

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import Manifest
from millrace.domain.dataset import Dataset
from millrace.domain.facts import (
    ChallengerJudged,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    DecisionMade,
    OfflineRollbackOvertaken,
    VersionRegistered,
)
from millrace.domain.ledger import Entry
from millrace.errors import AmbiguousNameError, MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import find_dataset_version
from millrace.steps.stores import ledger


class UnknownBundleError(MillraceError):
    """No training ended in that bundle."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(
            f"no version {version}. Name the first characters of a digest, MODEL for its champion, "
            "or MODEL/NUMBER; `millrace history MODEL` lists them"
        )


@dataclass(frozen=True)
class Lineage:
    """All that led to one bundle and all that came of it, as ledger entries in order."""

    model: str
    trained: ChallengerTrained
    manifest: Manifest
    dataset: Dataset
    entries: tuple[Entry, ...]


def find_lineage(version: str) -> Lineage:
    """Return the lineage of a version: the first characters of its digest, `MODEL`, or `MODEL/NUMBER`."""
    digest = _resolve(version)
    entries = ledger().entries()
    matches = {entry.fact.digest for entry in entries if isinstance(entry.fact, ChallengerTrained)}
    matches = {match for match in matches if match.startswith(digest)}
    if len(matches) > 1:
        raise AmbiguousNameError(version, tuple(sorted(matches)))
    trained = next((entry for entry in reversed(entries) if _is_training_of(entry, digest)), None)
    if trained is None or not isinstance(trained.fact, ChallengerTrained):
        raise UnknownBundleError(version)
    fact = trained.fact
    return Lineage(
        model=trained.model,
        trained=fact,
        manifest=read_manifest(bundles_folder(load_settings().channel) / fact.digest),
        dataset=find_dataset_version(trained.model, fact.inputs.dataset),
        entries=tuple(entry for entry in entries if entry.model == trained.model and _is_about(entry, fact)),
    )


def _resolve(version: str) -> str:
    model, _, number = version.partition("/")
    if not number:
        return ledger().serving(model).champion or version
    for entry in ledger().entries(model, (VersionRegistered,)):
        if isinstance(entry.fact, VersionRegistered) and str(entry.fact.version) == number:
            return entry.fact.digest
    raise UnknownBundleError(version)


def _is_training_of(entry: Entry, digest: str) -> bool:
    return isinstance(entry.fact, ChallengerTrained) and entry.fact.digest.startswith(digest)


def _is_about(entry: Entry, trained: ChallengerTrained) -> bool:
    match entry.fact:
        case DecisionMade() | ChallengerTrained() | ChallengerJudged() | VersionRegistered() as fact:
            return fact.run_key == trained.run_key
        case ChampionPromoted() as fact:
            return fact.digest == trained.digest
        case ChampionRolledBack() as fact:
            return trained.digest in (fact.digest, fact.withdrawn)
        case OfflineRollbackOvertaken() as fact:
            return trained.digest in (fact.champion, fact.withdrawn)
        case _:
            return False
