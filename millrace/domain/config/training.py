"""How is a challenger made, and which rows are kept from it to judge it?"""

from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Duration, Section, Share


class SearchPolicy(Section):
    """How hyperparameters are searched: seeded trials over ordered folds."""

    trials: int = Field(ge=1)
    folds: int = Field(ge=2)


class ThresholdPolicy(Section):
    """From which probability on a binary answer counts as positive: what is best by `maximise`, or by costs.

    It is chosen on answers to training rows by fits that have not seen them, never on golden or recent rows.
    The two costs are of one wrong answer each, in any unit they share.
    """

    maximise: Literal["f1", "balanced_accuracy"] | None = None
    false_positive_cost: float | None = Field(default=None, gt=0.0)
    false_negative_cost: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [cost is not None for cost in (self.false_positive_cost, self.false_negative_cost)]
        if any(given) if self.maximise is not None else not all(given):
            raise ValueError("threshold has either maximise, or false_positive_cost and false_negative_cost")
        return self


class TrainingSection(Section):
    """How a challenger is made.

    `class_weight = "balanced"` lets each class count alike, `sample_weight` is a column that says how much
    each row counts. `calibration` corrects probabilities by what came of them in folds of the training rows.
    """

    estimator: str
    seed: int
    window: Duration | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    search: SearchPolicy | None = None
    class_weight: Literal["balanced"] | None = None
    sample_weight: str | None = None
    calibration: Literal["sigmoid", "isotonic"] | None = None
    threshold: ThresholdPolicy | None = None


class GoldenSection(Section):
    """The fixed holdout: a hashed share of the blocks, of those before `until` where there is time."""

    share: Share
    until: date | None = None


class RecentSection(Section):
    """The judged share of the newest blocks, within `window` where there is time."""

    share: Share
    window: Duration | None = None
