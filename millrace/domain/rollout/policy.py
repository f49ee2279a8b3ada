"""How does a challenger become champion: in which steps, and what must each of them show?"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from millrace.domain.pointer import WHOLE

REPLAYED_ROWS = 100_000
"""So many logged rows, the newest, a direct rollout is judged on."""


class Strategy(StrEnum):
    """The ways from challenger to champion; each is a list of steps."""

    CANARY = "canary"
    A_B = "a/b"
    BLUE_GREEN = "blue-green"
    DIRECT = "direct"


class Approval(StrEnum):
    """Whether a step that passed goes on by itself, or waits for a person."""

    AUTO = "auto"
    MANUAL = "manual"


@dataclass(frozen=True)
class Step:
    """One stretch of a rollout: the share of requests in percent that the challenger answers.

    At weight 0 it shadows, which is scoring every request without answering it. `on_labels` steps pass
    only when `step_requests` labels of both have shown that the challenger loses no more than is allowed.
    """

    weight: int
    on_labels: bool = False


@dataclass(frozen=True)
class Limits:
    """What a challenger may do worse than the concurrent champion.

    Shares are of requests, from 0 to 1. `max_shift` is of the mean answer, in standard deviations of the
    champion's answers; `max_latency_ratio` of the 95th percentile; `max_excess_loss` of a row's loss: the
    Brier score, or the absolute error of a regression. `alpha` is the chance of a wrong word on labels
    that is accepted over a whole step.
    """

    max_excess_errors: float
    max_latency_ratio: float
    max_shift: float
    max_disagreement: float
    max_excess_loss: float
    alpha: float


@dataclass(frozen=True)
class Policy:
    """`[rollout]` of `model.toml`. Evidence is counted in the challenger's requests.

    A look is taken each `interval`; `failure_limit` looks of a step that fail abort the rollout, and so
    does a step that has not passed by its `deadline`.
    """

    strategy: Strategy
    steps: tuple[Step, ...]
    approval: Approval
    step_requests: int
    interval: timedelta
    failure_limit: int
    deadline: timedelta
    probation_labels: int
    probation_deadline: timedelta
    limits: Limits
    slices: tuple[str, ...] = ()
    """Columns of a request; each value of one is watched by itself."""

    @property
    def bound(self) -> timedelta:
        """How long a challenger that fails every look answers, from the least evidence on."""
        return self.interval * self.failure_limit


def steps_of(strategy: Strategy, weights: tuple[int, ...]) -> tuple[Step, ...]:
    """Return the steps of a strategy; all but `direct`, which is judged on the log, begin in the shadow."""
    match strategy:
        case Strategy.CANARY:
            return (Step(0), *(Step(weight) for weight in weights))
        case Strategy.A_B:
            return (Step(0), Step(weights[0], on_labels=True))
        case Strategy.BLUE_GREEN:
            return (Step(0),)
        case Strategy.DIRECT:
            return (Step(0, on_labels=True),)


def find_flaw(policy: Policy) -> str | None:
    """Say why no challenger could ever pass, or a bad one could; None for a policy that works."""
    if policy.strategy is Strategy.DIRECT and policy.step_requests > REPLAYED_ROWS:
        return (
            f"step_requests is {policy.step_requests:,}, and a direct rollout replays {REPLAYED_ROWS:,} rows"
        )
    weights = [step.weight for step in policy.steps]
    if not weights:
        return "it has no step: nothing would be judged before the challenger answers everything"
    if weights != sorted(set(weights)) or not 0 <= weights[0] <= weights[-1] < WHOLE:
        return f"weights {weights} must rise from step to step and stay below {WHOLE}"
    looks = max(2, policy.failure_limit)
    for name, time in (("deadline", policy.deadline), ("probation_deadline", policy.probation_deadline)):
        if time < policy.interval * looks:
            return f"a {name} of {time} leaves no time for {looks} looks, one each {policy.interval}"
    return None
