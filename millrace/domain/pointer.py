"""What must a prediction service serve?"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from millrace.domain.canonical import canonical_json

WHOLE = 100
"""All requests, in percent."""

DIGEST = re.compile(r"[0-9a-f]{64}")
"""How a bundle is named: a SHA-256 in hexadecimal."""


class ArmRole(StrEnum):
    """Whether an arm's answers go out, or are only logged."""

    ANSWER = "answer"
    SHADOW = "shadow"


@dataclass(frozen=True)
class Arm:
    """One bundle that gets live requests; `weight` is its share of them in percent."""

    digest: str
    role: ArmRole
    weight: int


class Durability(StrEnum):
    """When an answer may leave: once the disk has its log record, or at once."""

    DURABLE = "durable"
    FAST = "fast"


@dataclass(frozen=True)
class ServingSettings:
    """How services treat a model's requests: `[serving]` of `model.toml`, and these values without one.

    Columns named in `hashed` are logged as a keyed hash, those in `left_out` not at all.
    """

    sticky_key: str | None = None
    durability: Durability = Durability.DURABLE
    hashed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    retention_seconds: float | None = None


@dataclass(frozen=True)
class OfflineRollback:
    """A rollback that was made in the channel alone, by the pointer of `generation`."""

    digest: str
    withdrawn: str
    generation: int
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class Pointer:
    """The one small file a service follows.

    `revision` is the ledger's number of the newest entry the pointer follows from, `ledger_head` that
    entry's hash: settings can change while the generation stays. A service takes a pointer whose
    `(generation, revision)` is newer.

    The first of `arms` that answers is the champion's. `previous` names the champions before this one
    that a rollback can still reach, newest first, so that going back needs no ledger. `offline` holds the
    rollbacks that were made so since the ledger last published, oldest first; a pointer that follows from
    the ledger has none.
    """

    model: str
    generation: int
    arms: tuple[Arm, ...]
    ledger_head: str
    revision: int = 0
    settings: ServingSettings = field(default_factory=ServingSettings)
    previous: tuple[str, ...] = ()
    offline: tuple[OfflineRollback, ...] = ()

    @property
    def order(self) -> tuple[int, int]:
        """What makes one pointer newer than another."""
        return (self.generation, self.revision)

    @property
    def champion(self) -> str:
        """The digest of the first arm that answers."""
        return next(arm.digest for arm in self.arms if arm.role is ArmRole.ANSWER)

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self).encode()
