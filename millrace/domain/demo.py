"""What does a demo replay?"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorruptedBatch(_Section):
    """A copy of `batch` whose first `rows` rows hold `value` in `column`; it arrives before the batch."""

    batch: str
    column: str
    value: float
    rows: int = Field(ge=1)


class BadChallenger(_Section):
    """The features that are left when somebody breaks the model's folder."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


class TurnedLabels(_Section):
    """An export of `batch` whose labels say the opposite wherever `column` has one of `values`."""

    batch: str
    column: str
    values: tuple[str, ...]


class LiveScript(_Section):
    """What happens on live requests once history is over.

    The rows of `asked` are asked about, and how they ended is told `label_seconds` later. `rollout` is the
    model's `[rollout]` meanwhile, `slowing` what somebody changes in its `[gate]`.
    """

    asked: str
    label_seconds: float
    rollout: dict[str, Any]
    slowing: dict[str, Any]
    turned: TurnedLabels


class DemoScript(_Section):
    """A model's `demo.toml`: what arrives at once, and until when the rest arrives batch by batch."""

    bootstrap: datetime
    until: datetime
    corrupted: CorruptedBatch
    bad_challenger: BadChallenger
    live: LiveScript | None = None
