"""Where does a version come from, and what became of it?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import ChallengerJudged, VersionRegistered
from millrace.domain.ledger import Entry
from millrace.steps.lineage import Lineage, UnknownBundleError, find_lineage
from millrace.steps.stores import ensure_known, ledger


@dataclass(frozen=True)
class VersionPage:
    """One version as it was at `at`; `number` is its version in the catalogue."""

    at: datetime
    is_champion: bool
    number: int | None
    lineage: Lineage
    judgement: Entry | None


def gather_version(now: datetime, model: str, digest: str) -> VersionPage:
    """Read what led to the version of `model` whose digest starts with `digest`, and what came of it.

    Raises
    ------
    UnknownModelError, UnknownBundleError, AmbiguousNameError
        If there is none, or several.
    """
    ensure_known(model)
    lineage = find_lineage(digest)
    if lineage.model != model:
        raise UnknownBundleError(digest)
    newest_first = lineage.entries[::-1]
    numbers = (entry.fact.version for entry in newest_first if isinstance(entry.fact, VersionRegistered))
    judged = (entry for entry in newest_first if isinstance(entry.fact, ChallengerJudged))
    is_champion = ledger().serving(model).champion == lineage.trained.digest
    return VersionPage(now, is_champion, next(numbers, None), lineage, next(judged, None))
