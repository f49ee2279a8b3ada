"""What does a demo replay?"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from millrace.domain.config.section import Duration


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorruptedBatch(_Section):
    """A copy of `batch` whose first `rows` rows hold `value` in `column`; it arrives before the batch."""

    batch: str
    column: str
    value: float
    rows: int = Field(ge=1)


class BadChallenger(_Section):
    """The features that are left when somebody breaks the model's folder, after a batch has arrived."""

    after: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


class AskingScript(_Section):
    """How often somebody asks about the rows of the time since, and about how many of them."""

    every: Duration
    rows: int = Field(ge=1)


class TurnedLabels(_Section):
    """The export of `batch` as it arrives: labels say the opposite wherever `column` has one of `values`."""

    batch: str
    column: str
    values: tuple[str, ...]


class LiveScript(_Section):
    """What happens on live requests: two versions that only they show to be bad.

    The first comes after the batch `slow_after` has arrived, by what somebody changes in `[gate]` then; the
    other is made of `turned`. Rows of that batch are asked about, and how they ended is told `label_seconds`
    later. `rollout` is the model's `[rollout]` meanwhile.
    """

    slow_after: str
    label_seconds: float
    rollout: dict[str, Any]
    slowing: dict[str, Any]
    turned: TurnedLabels


class DemoScript(_Section):
    """A model's `demo.toml`: what arrives at once, and until when the rest arrives batch by batch.

    `retrain` is the model's `[retrain]` meanwhile.
    """

    bootstrap: datetime
    until: datetime
    asking: AskingScript
    retrain: dict[str, Any]
    corrupted: CorruptedBatch
    bad_challenger: BadChallenger
    live: LiveScript | None = None
