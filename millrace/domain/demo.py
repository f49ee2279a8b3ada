"""What does a demo replay?"""

from datetime import datetime

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


class DemoScript(_Section):
    """A model's `demo.toml`: what arrives at once, and until when the rest arrives batch by batch."""

    bootstrap: datetime
    until: datetime
    corrupted: CorruptedBatch
    bad_challenger: BadChallenger
