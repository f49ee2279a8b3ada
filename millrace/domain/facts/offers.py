"""What can have happened between two installations?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts.training import ChallengerJudged, ChallengerTrained


@dataclass(frozen=True)
class VersionOffered:
    """A version was offered to the installation behind `channel`, an address without its secrets."""

    digest: str
    channel: str
    reason: str


@dataclass(frozen=True)
class Milestone:
    """One thing that had become of a version where it was offered."""

    at: datetime
    actor: str
    told: str


@dataclass(frozen=True)
class ChallengerReceived:
    """A version that another installation has judged came here, as its signed offer says.

    `origin` is the name under which its key is trusted here, `ledger_head` that of its ledger when it
    offered. `judged.generation` and `judged.champion` are of there.
    """

    digest: str
    origin: str
    judged: ChallengerJudged
    trained: ChallengerTrained
    course: tuple[Milestone, ...]
    ledger_head: str
    reason: str
    offered_by: str
    offered_at: datetime
