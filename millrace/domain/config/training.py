"""How is a challenger made, and which rows are kept from it to judge it?"""

from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Duration, Section, Share


class SearchPolicy(Section):
    """How hyperparameters are searched: seeded trials over ordered folds."""

    trials: int = Field(ge=1)
    """How many sets of hyperparameters are tried, the estimator's own first."""
    folds: int = Field(ge=2)
    """On how many ordered parts of the training blocks each is tried."""


class ThresholdPolicy(Section):
    """From which probability on a binary answer counts as positive.

    It is chosen on answers to training rows by fits that have not seen them, never on golden or recent rows.
    """

    maximise: Literal["f1", "balanced_accuracy"] | None = None
    """What the decisions are to be best in."""
    false_positive_cost: float | None = Field(default=None, gt=0.0)
    """Or what one wrong positive costs, in any unit,"""
    false_negative_cost: float | None = Field(default=None, gt=0.0)
    """and one wrong negative, in the same."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [cost is not None for cost in (self.false_positive_cost, self.false_negative_cost)]
        if any(given) if self.maximise is not None else not all(given):
            raise ValueError("threshold has either maximise, or false_positive_cost and false_negative_cost")
        return self


class TrainingSection(Section):
    """How a challenger is made."""

    estimator: str
    """`hist_gradient_boosting`, `linear`, `random_forest`, `lightgbm`, `xgboost`, or `pipeline:build`."""
    seed: int
    """Of everything that is drawn: the same seed and rows give the same bytes."""
    window: Duration | None = None
    """How far back training looks; without it to the first row."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters that are fixed, by the estimator's own names."""
    search: SearchPolicy | None = None
    """How the others are searched; without it they are the estimator's own."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` lets each class count alike, however rare it is."""
    sample_weight: str | None = None
    """A column that says how much each training row counts; judged rows count alike."""
    calibration: Literal["sigmoid", "isotonic"] | None = None
    """How probabilities are corrected by what came of them in folds of the training rows."""
    threshold: ThresholdPolicy | None = None
    """From which probability on a binary answer is positive; without it only the probability is given."""


class GoldenSection(Section):
    """The fixed holdout: a hashed share of the blocks, of those before `until` where there is time."""

    share: Share
    """The share of blocks that no run may ever learn from."""
    until: date | None = None
    """Only blocks before this day are golden, where there is time."""
    generation: int = Field(default=0, ge=0)
    """Another number chooses other blocks; `millrace golden renew` counts it up."""


class RecentSection(Section):
    """The judged share of the newest blocks, within `window` where there is time."""

    share: Share
    """The share of the newest blocks that judges; the others are learned from."""
    window: Duration | None = None
    """Which blocks are the newest, where there is time."""
