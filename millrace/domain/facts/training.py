"""What can have happened on the way from a decision to a judged challenger?"""

from dataclasses import dataclass
from enum import StrEnum

from millrace.domain.verdict import Outcome, Verdict


class Action(StrEnum):
    """What a decision can be."""

    TRAIN = "TRAIN"
    SKIP = "SKIP"
    BLOCK = "BLOCK"


@dataclass(frozen=True)
class Inputs:
    """What a training is a function of; equal inputs give the same bundle."""

    dataset: str
    model_files: str
    lock: str


@dataclass(frozen=True)
class RuleFinding:
    """What one rule of the decision found, with its numbers."""

    rule: str
    finding: str
    action: Action | None
    """What the rule asks for; None when it asks for nothing."""


@dataclass(frozen=True)
class DecisionMade:
    """A retraining was decided on, or not. `run_key` names the run it is about."""

    run_key: str
    action: Action
    reason: str
    findings: tuple[RuleFinding, ...]
    inputs: Inputs


@dataclass(frozen=True)
class Agreement:
    """How far the bundle's answers are from the fitted pipeline's, on judged rows."""

    rows: int
    largest_difference: float
    disagreeing_rows: int


@dataclass(frozen=True)
class ChallengerTrained:
    """A training ended in a bundle. `constant` is the answer of the constant baseline."""

    run_key: str
    digest: str
    engine: str
    baseline: str
    constant: float
    inputs: Inputs
    rows: int
    agreement: Agreement
    parameters: dict[str, object]
    trials: tuple[dict[str, object], ...]
    seconds: float
    git_commit: str | None


@dataclass(frozen=True)
class ChallengerJudged:
    """The gate judged a challenger. Losses are by set, then by role (`challenger`, `champion`, ...)."""

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


@dataclass(frozen=True)
class VersionRegistered:
    """A judged bundle stands in the catalogue as a version of the model."""

    run_key: str
    digest: str
    version: int
    run_id: str
