"""How is a challenger made, and which rows are kept from it to judge it?"""

from datetime import date
from typing import Any

from pydantic import Field

from millrace.domain.config.section import Duration, Section, Share


class SearchPolicy(Section):
    """How hyperparameters are searched: seeded trials over ordered folds."""

    trials: int = Field(ge=1)
    folds: int = Field(ge=2)


class TrainingSection(Section):
    """How a challenger is made."""

    estimator: str
    seed: int
    window: Duration | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    search: SearchPolicy | None = None


class GoldenSection(Section):
    """The fixed holdout: a hashed share of the blocks, of those before `until` where there is time."""

    share: Share
    until: date | None = None


class RecentSection(Section):
    """The judged share of the newest blocks, within `window` where there is time."""

    share: Share
    window: Duration | None = None
