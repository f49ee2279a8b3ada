"""What does one installation tell another about a version, and when may it?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.canonical import canonical_json
from millrace.domain.facts import (
    ChallengerJudged,
    ChallengerReceived,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    Milestone,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
)
from millrace.domain.ledger import Entry
from millrace.domain.narration import tell
from millrace.domain.pointer import DIGEST
from millrace.domain.verdict import Outcome
from millrace.errors import MillraceError

OFFER_BYTES = 4 << 20
"""More than any offer has: it tells a training with its trials, and each verdict."""

PAST_KINDS: tuple[type[Fact], ...] = (
    ChallengerReceived,
    ChampionPromoted,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    RolloutAborted,
    RolloutStarted,
)
"""The facts by which an installation knows a version from before it was offered."""

_ENDING = ".json"


@dataclass(frozen=True)
class Offer:
    """A version that one installation has judged, for another one to try.

    `course` is what its rollout and probation came to there, oldest first; `ledger_head` the hash of the
    entry by which it was offered, which all that the offer says comes before.
    """

    model: str
    digest: str
    judged: ChallengerJudged
    trained: ChallengerTrained
    course: tuple[Milestone, ...]
    ledger_head: str
    reason: str
    offered_by: str
    offered_at: datetime

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self).encode()


class NotOfferableError(MillraceError):
    """A version that is not fit for another installation."""

    def __init__(self, model: str, digest: str, found: str) -> None:
        self.model, self.digest, self.found = model, digest, found
        super().__init__(
            f"{model}: {digest[:12]} {found}, a version was needed whose last judgement is a pass and that "
            f"was not withdrawn. Nothing was offered; `millrace why {digest[:12]}` shows what became of it"
        )


def offer_name(model: str, digest: str) -> str:
    """Return where an offer lies, relative to its channel."""
    return f"{model}/offers/{digest}{_ENDING}"


def digests_offered(names: Iterable[str]) -> list[str]:
    """Return the digests that the names of offers' files say; a file of another name is no offer."""
    stems = (name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))
    return sorted(stem for stem in stems if DIGEST.fullmatch(stem))


def offer_key(model: str, digest: str) -> str:
    """Return the key of the claim by which a version is taken in once, however often it is offered."""
    return f"offer:{model}:{digest}"


def ensure_offerable(
    model: str, digest: str, facts: Sequence[Fact]
) -> tuple[ChallengerJudged, ChallengerTrained]:
    """Return the judgement and the training by which `digest` may be offered.

    `facts` are all of the model, in the ledger's order.

    Raises
    ------
    NotOfferableError
        If its last judgement is no pass, or it was withdrawn or its rollout aborted.
    """
    judged = [one for one in _list_judged(facts) if one.digest == digest]
    trained = [one for one in _list_trained(facts) if one.digest == digest]
    if not judged or not trained:
        raise NotOfferableError(model, digest, "was never judged here")
    if judged[-1].outcome is not Outcome.PASS:
        raise NotOfferableError(model, digest, f"was judged {judged[-1].outcome} ({judged[-1].reason})")
    withdrawal = _find_withdrawal(digest, facts)
    if withdrawal is not None:
        raise NotOfferableError(model, digest, withdrawal)
    return judged[-1], trained[-1]


def list_versions(facts: Iterable[Fact]) -> set[str]:
    """Return the digests of all versions that were judged, here or where they were offered."""
    return {judged.digest for judged in _list_judged(facts)}


def tell_course(digest: str, entries: Iterable[Entry]) -> tuple[Milestone, ...]:
    """Return what had become of `digest`, as it is told to the other installation."""
    course: list[Milestone] = []
    for entry in entries:
        if isinstance(entry.fact, ChallengerReceived) and entry.fact.digest == digest:
            course.extend(entry.fact.course)
        if _is_about(digest, entry.fact):
            course.append(Milestone(entry.at, entry.actor, _tell_with_reason(entry.fact)))
    return tuple(course)


def find_mismatch(offer: Offer, model: str, digest: str) -> str | None:
    """Return why an offer that was found as one of `digest` for `model` is none, if so."""
    if offer.model != model:
        return f"it offers a version of {offer.model}"
    if {offer.digest, offer.judged.digest, offer.trained.digest} != {digest}:
        return f"it speaks of {offer.digest[:12]}, judged {offer.judged.digest[:12]}"
    if offer.judged.outcome is not Outcome.PASS:
        return f"its gate said {offer.judged.outcome}: {offer.judged.reason}"
    return None


def find_past(digest: str, facts: Iterable[Fact]) -> str | None:
    """Return what became of a version that was tried here without ever being received, if it was.

    Of PAST_KINDS the last says it, in the ledger's order.
    """
    found = None
    for fact in facts:
        match fact:
            case ChallengerReceived() if fact.digest == digest:
                return None
            case ChampionRolledBack() | OfflineRollbackOvertaken() if fact.withdrawn == digest:
                found = f"was withdrawn here: {fact.reason}"
            case RolloutAborted() if fact.challenger == digest:
                found = f"did not come through its rollout here: {fact.reason}"
            case ChampionPromoted() | ChampionRolledBack() if fact.digest == digest:
                found = f"was champion here already, as generation {fact.generation}"
            case RolloutStarted() if fact.challenger == digest:
                found = "is or was in a rollout here already"
            case _:
                pass
    return found


def received(offer: Offer, origin: str) -> ChallengerReceived:
    """Return the fact that `offer`, signed by the key that is trusted as `origin`, was taken."""
    return ChallengerReceived(
        offer.digest,
        origin,
        offer.judged,
        offer.trained,
        offer.course,
        offer.ledger_head,
        offer.reason,
        offer.offered_by,
        offer.offered_at,
    )


def _list_judged(facts: Iterable[Fact]) -> list[ChallengerJudged]:
    kinds = ChallengerJudged | ChallengerReceived
    found = [fact for fact in facts if isinstance(fact, kinds)]
    return [fact.judged if isinstance(fact, ChallengerReceived) else fact for fact in found]


def _list_trained(facts: Iterable[Fact]) -> list[ChallengerTrained]:
    kinds = ChallengerTrained | ChallengerReceived
    found = [fact for fact in facts if isinstance(fact, kinds)]
    return [fact.trained if isinstance(fact, ChallengerReceived) else fact for fact in found]


def _find_withdrawal(digest: str, facts: Sequence[Fact]) -> str | None:
    """Return what took the version back since it was last promoted or tried, if anything."""
    found = None
    for fact in facts:
        match fact:
            case ChampionPromoted() if fact.digest == digest:
                found = None
            case RolloutStarted() if fact.challenger == digest:
                found = None
            case ChampionRolledBack() | OfflineRollbackOvertaken() if fact.withdrawn == digest:
                found = f"was withdrawn ({fact.reason})"
            case RolloutAborted() if fact.challenger == digest:
                found = f"did not come through its rollout ({fact.reason})"
            case _:
                pass
    return found


def _is_about(digest: str, fact: Fact) -> bool:
    match fact:
        case RolloutStarted() | RolloutAdvanced() | RolloutAborted():
            return fact.challenger == digest
        case ChampionPromoted() | ChallengerReceived():
            return fact.digest == digest
        case ChampionRolledBack():
            return digest in (fact.digest, fact.withdrawn)
        case ProbationEnded():
            return fact.champion == digest
        case _:
            return False


def _tell_with_reason(fact: Fact) -> str:
    return f"{tell(fact)}: {fact.reason}" if isinstance(fact, ChampionPromoted) else tell(fact)
