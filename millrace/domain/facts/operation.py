"""What can have happened to the installation itself?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class MirrorRepaired:
    """A pointer, alias or dataset file differed from the ledger and was rewritten from it."""

    mirror: str
    found: str


@dataclass(frozen=True)
class RunRequested:
    """The controller asked for a flow run; the same work has the same `key`, `attempt` counts from 1."""

    key: str
    flow: str
    reason: str
    attempt: int


@dataclass(frozen=True)
class RunParked:
    """Every attempt at a piece of work ended without it being done: it waits for a person now."""

    key: str
    flow: str
    attempts: int
    reason: str


@dataclass(frozen=True)
class AutomationPaused:
    """A person stopped all automatic work on the model."""

    reason: str


@dataclass(frozen=True)
class AutomationResumed:
    """A person let automatic work on the model go on; what was parked is tried again."""

    reason: str


class Subject(StrEnum):
    """What can stay away for too long."""

    DATA = "data"
    DECISION = "decision"
    REQUESTS = "requests"
    LABELS = "labels"
    MONITORING = "monitoring"


@dataclass(frozen=True)
class SilenceNoticed:
    """Nothing of `subject` has come since `since`, for longer than `limit_seconds` allow."""

    subject: Subject
    since: datetime
    limit_seconds: float


@dataclass(frozen=True)
class AlertSent:
    """People were told about entry `cause_seq`."""

    cause_seq: int
