"""Where does a version come from, and what became of it?"""

from dataclasses import dataclass

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import Manifest
from millrace.domain.dataset import Dataset
from millrace.domain.facts import (
    ChallengerJudged,
    ChallengerReceived,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    DecisionMade,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
    StepFailed,
    VersionOffered,
    VersionRegistered,
    VersionReproduced,
)
from millrace.domain.ledger import Entry
from millrace.errors import AmbiguousNameError, MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import UnknownVersionError, find_dataset_version
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
    """All that led to one bundle and all that came of it, as ledger entries in order.

    One that another installation has offered was trained there: `received` says so, and `dataset` is None
    unless it is here too.
    """

    model: str
    trained: ChallengerTrained
    manifest: Manifest
    dataset: Dataset | None
    entries: tuple[Entry, ...]
    received: ChallengerReceived | None = None


def find_lineage(version: str) -> Lineage:
    """Return the lineage of a version: the first characters of its digest, `MODEL`, or `MODEL/NUMBER`."""
    digest = _resolve(version)
    entries = [entry for entry in ledger().entries() if _is_origin_of(entry, digest)]
    matches = {_trained_in(entry).digest for entry in entries}
    if len(matches) > 1:
        raise AmbiguousNameError(version, tuple(sorted(matches)))
    if not entries:
        raise UnknownBundleError(version)
    # where it was trained here, too, the dataset is here
    origin = next((one for one in reversed(entries) if isinstance(one.fact, ChallengerTrained)), entries[-1])
    model, trained = origin.model, _trained_in(origin)
    return Lineage(
        model=model,
        trained=trained,
        manifest=read_manifest(bundles_folder(load_settings().channel) / trained.digest),
        dataset=_find_dataset(origin, trained),
        entries=tuple(entry for entry in ledger().entries(model) if _is_about(entry, trained)),
        received=next((one.fact for one in entries if isinstance(one.fact, ChallengerReceived)), None),
    )


def _is_origin_of(entry: Entry, digest: str) -> bool:
    kinds = ChallengerTrained | ChallengerReceived
    return isinstance(entry.fact, kinds) and entry.fact.digest.startswith(digest)


def _trained_in(entry: Entry) -> ChallengerTrained:
    if isinstance(entry.fact, ChallengerReceived):
        return entry.fact.trained
    if isinstance(entry.fact, ChallengerTrained):
        return entry.fact
    raise TypeError(f"{entry.kind} tells no training")


def _find_dataset(origin: Entry, trained: ChallengerTrained) -> Dataset | None:
    try:
        return find_dataset_version(origin.model, trained.inputs.dataset)
    except UnknownVersionError:
        if isinstance(origin.fact, ChallengerReceived):
            return None
        raise


def _resolve(version: str) -> str:
    model, _, number = version.partition("/")
    if not number:
        return ledger().serving(model).champion or version
    for entry in ledger().entries(model, (VersionRegistered,)):
        if isinstance(entry.fact, VersionRegistered) and str(entry.fact.version) == number:
            return entry.fact.digest
    raise UnknownBundleError(version)


def _is_about(entry: Entry, trained: ChallengerTrained) -> bool:  # noqa: PLR0911 (an arm per kind of entry)
    match entry.fact:
        case DecisionMade() | ChallengerTrained() | ChallengerJudged() | VersionRegistered() as fact:
            return fact.run_key == trained.run_key
        case ChampionPromoted() | ChallengerReceived() | VersionOffered() | StepFailed() as fact:
            return fact.digest == trained.digest
        case VersionReproduced() as fact:
            return fact.digest == trained.digest
        case RolloutStarted() | RolloutAdvanced() | RolloutAborted() as fact:
            return fact.challenger == trained.digest
        case ProbationEnded() as fact:
            return fact.champion == trained.digest
        case ChampionRolledBack() as fact:
            return trained.digest in (fact.digest, fact.withdrawn)
        case OfflineRollbackOvertaken() as fact:
            return trained.digest in (fact.champion, fact.withdrawn)
        case _:
            return False
