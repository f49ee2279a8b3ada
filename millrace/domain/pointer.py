"""What must a prediction service serve?"""

from dataclasses import dataclass
from enum import StrEnum

from millrace.domain.canonical import canonical_json


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


@dataclass(frozen=True)
class Pointer:
    """The one small file a service follows. `ledger_head` is the head's hash at this generation."""

    model: str
    generation: int
    arms: tuple[Arm, ...]
    sticky_key: str | None
    ledger_head: str

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self).encode()
