"""In which steps does a challenger become champion, and what may it do worse on the way?"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Duration, Section, Share
from millrace.domain.rollout.policy import Approval, Limits, Policy, Strategy, find_flaw, steps_of

WEIGHTS_OF = {
    Strategy.CANARY: "one or more weights, such as [5, 25, 50]",
    Strategy.A_B: "exactly one weight, such as [50]",
    Strategy.BLUE_GREEN: "no weights: all requests are switched at once",
    Strategy.DIRECT: "no weights: the log is replayed, and no request is answered",
}


class RolloutSection(Section):
    """How a challenger that the gate has passed becomes champion, on live requests."""

    strategy: Annotated[Strategy, Field(strict=False)]
    """In which steps it comes to answer everything."""
    approval: Annotated[Approval, Field(strict=False)]
    """Whether a step that has passed goes on by itself, or waits for a person."""
    step_requests: int = Field(ge=1)
    """The fewest requests of the challenger that a step is judged on."""
    interval: Duration
    """How long between two looks."""
    failure_limit: int = Field(ge=1)
    """So many failed looks of one step take the challenger back."""
    deadline: Duration
    """A step that has not passed by then takes it back, too."""
    probation_labels: int = Field(ge=1)
    """After promotion the former champion shadows until so many labels have come,"""
    probation_deadline: Duration
    """or so long: then the new one stays, marked unproven."""
    confidence: float = Field(gt=0.5, lt=1.0)
    """Of a word on labels over a whole step, however often one looks."""
    max_excess_errors: Share = Field(gt=0.0)
    """So much larger may its share of failed requests be."""
    max_latency_ratio: float = Field(gt=0.0)
    """So many times the 95th percentile of the champion's latency."""
    max_shift: float = Field(gt=0.0)
    """How far its mean answer may be, in standard deviations of the champion's answers."""
    max_disagreement: Share = Field(gt=0.0)
    """The share of requests that both may answer differently."""
    max_excess_loss: float = Field(ge=0.0)
    """How much more it may lose on labelled rows: Brier score, or absolute error of a regression."""
    weights: tuple[int, ...] = Field(default=(), strict=False)
    """The shares of requests, in percent, that a canary answers step by step."""
    slices: tuple[str, ...] = Field(default=(), strict=False)
    """Columns of a request; each value of one is watched by itself."""

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        fits = {
            Strategy.CANARY: len(self.weights) > 0,
            Strategy.A_B: len(self.weights) == 1,
            Strategy.BLUE_GREEN: not self.weights,
            Strategy.DIRECT: not self.weights,
        }
        if not fits[self.strategy]:
            raise ValueError(
                f"weights are {list(self.weights)}: {self.strategy} has {WEIGHTS_OF[self.strategy]}"
            )
        if not self.interval:
            raise ValueError("an interval of 0 leaves no time between two looks")
        if (flaw := find_flaw(self.policy)) is not None:
            raise ValueError(f"nothing could ever pass: {flaw}")
        return self

    @property
    def policy(self) -> Policy:
        """What a rollout that begins now goes by, to its end."""
        limits = Limits(
            max_excess_errors=self.max_excess_errors,
            max_latency_ratio=self.max_latency_ratio,
            max_shift=self.max_shift,
            max_disagreement=self.max_disagreement,
            max_excess_loss=self.max_excess_loss,
            alpha=round(1.0 - self.confidence, 12),
        )
        return Policy(
            strategy=self.strategy,
            steps=steps_of(self.strategy, self.weights),
            approval=self.approval,
            step_requests=self.step_requests,
            interval=self.interval,
            failure_limit=self.failure_limit,
            deadline=self.deadline,
            probation_labels=self.probation_labels,
            probation_deadline=self.probation_deadline,
            limits=limits,
            slices=self.slices,
        )
