"""What can have happened on the way from a decision to a judged challenger?"""

from dataclasses import dataclass, replace
from enum import StrEnum

from millrace.domain.change import Change
from millrace.domain.facts.golden import GoldenPolicy
from millrace.domain.verdict import Outcome, Verdict


class Action(StrEnum):
    """What a decision can be."""

    TRAIN = "TRAIN"
    SKIP = "SKIP"
    BLOCK = "BLOCK"


@dataclass(frozen=True)
class Inputs:
    """What a training is a function of; equal inputs give the same bundle.

    `parameters` is the SHA-256 of the hyperparameters that a refit takes over, None for a full training.
    """

    dataset: str
    model_files: str
    lock: str
    parameters: str | None = None

    @property
    def is_refit(self) -> bool:
        return self.parameters is not None

    @property
    def in_full(self) -> "Inputs":
        """The inputs of a full training on the same rows."""
        return replace(self, parameters=None)


@dataclass(frozen=True)
class RuleFinding:
    """What one rule of the decision found, with its numbers."""

    rule: str
    finding: str
    action: Action | None
    """What the rule asks for; None when it asks for nothing."""


@dataclass(frozen=True)
class DecisionMade:
    """A retraining was decided on, or not. `run_key` names the run it is about.

    `asked` are the reasons that came from outside, `answers` the numbers of the entries whose drift
    or decay it answers.
    """

    run_key: str
    action: Action
    reason: str
    findings: tuple[RuleFinding, ...]
    inputs: Inputs
    asked: tuple[str, ...] = ()
    answers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """How far the bundle's answers are from the fitted pipeline's, on judged rows."""

    rows: int
    largest_difference: float
    disagreeing_rows: int


@dataclass(frozen=True)
class ChallengerTrained:
    """A training ended in a bundle.

    `constant` is the answer of the constant baseline: of several classes, the share of each among the rows
    that were learned from, in the order of the bundle's classes. `fallback` is why the bundle is no graph,
    `threshold` the probability from which on it decides for the positive class.
    """

    run_key: str
    digest: str
    engine: str
    baseline: str
    constant: float | tuple[float, ...]
    inputs: Inputs
    rows: int
    agreement: Agreement
    parameters: dict[str, object]
    trials: tuple[dict[str, object], ...]
    seconds: float
    git_commit: str | None
    fallback: str | None = None
    threshold: float | None = None
    estimator: str = ""
    """As model.toml had it; older facts do not name it."""


@dataclass(frozen=True)
class AnswerTenth:
    """What came of about a tenth of the judged rows, by rising answers: those up to `up_to`, or the rest.

    Of several classes the answer is the share of the likeliest, and the label whether it came. `mean_loss`
    is the mean of `row_losses` by `LOSS_METRICS`.
    """

    up_to: float | None
    rows: int
    mean_answer: float
    mean_label: float
    mean_loss: float


@dataclass(frozen=True)
class SliceLevel:
    """The loss on the judged rows of one slice, named `column=value`, with bounds as those of `Level`."""

    name: str
    rows: int
    loss: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Level:
    """How good a version was on the recent set when it was judged: what it is held to in production.

    `loss` is by `metric`, the gate's or the usual one of the task, lower is better, with one-sided bounds at
    the gate's confidence; a bound is None where too few blocks tell nothing. By as much as `row_loss_doubt`
    the mean loss of rows may be off, as far as these blocks tell.
    """

    metric: str
    rows: int
    blocks: int
    loss: float
    lower: float | None
    upper: float | None
    row_loss_doubt: float | None = None
    tenths: tuple[AnswerTenth, ...] = ()
    slices: tuple[SliceLevel, ...] = ()


@dataclass(frozen=True)
class ChallengerJudged:
    """The gate judged a challenger. Losses are by set, then by role (`challenger`, `champion`, ...).

    `report` is the SHA-256 of the report with all numbers that the verdicts rest on; it lies in `var/gate`.
    """

    run_key: str
    digest: str
    champion: str | None
    outcome: Outcome
    reason: str
    verdicts: tuple[Verdict, ...]
    recent_set: str
    golden_set: str
    losses: dict[str, dict[str, float]]
    generation: int
    """The generation of what served when it was judged: a promotion is only valid from it."""
    level: Level | None = None
    report: str | None = None
    metric: str = ""
    """Of the losses; an older fact does not name it."""
    golden: GoldenPolicy | None = None
    """By which the golden set was chosen; an older fact does not say."""
    terms: str = ""
    """What the metric is defined by besides its name, such as a quantile; an older fact does not say."""

    @property
    def known_metric(self) -> str:
        """Return the metric of the losses, of an older fact that of its level; empty where it has neither."""
        return self.metric or (self.level.metric if self.level else "")


@dataclass(frozen=True)
class VersionRegistered:
    """A judged bundle stands in the catalogue as a version of the model."""

    run_key: str
    digest: str
    version: int
    run_id: str


class Reproduction(StrEnum):
    """What came of training a version a second time."""

    IDENTICAL = "identical, byte for byte"
    SAME_ANSWERS = "the same answers"
    DIFFERS = "differs"


@dataclass(frozen=True)
class VersionReproduced:
    """A version was trained again, from its commit and its data, and held against the first.

    `found` is the bundle of the second training. `differences` are None where a thing is not there at all.
    """

    digest: str
    found: str
    result: Reproduction
    reason: str
    git_commit: str | None
    differences: tuple[Change, ...] = ()
