"""What can have happened in a rollout? Kinds of ledger entry; those with a generation changed who answers."""

from dataclasses import dataclass

from millrace.domain.rollout.evidence import Evidence
from millrace.domain.rollout.policy import Policy
from millrace.domain.verdict import Outcome, Verdict


@dataclass(frozen=True)
class RolloutStarted:
    """A challenger began its way, by the policy that holds until the end of it.

    `superseded` is the one that had no live request yet and made room, `unproven` the champion whose
    probation ended for it.
    """

    challenger: str
    champion: str
    policy: Policy
    generation: int
    superseded: str | None = None
    unproven: str | None = None


@dataclass(frozen=True)
class StepFailed:
    """A look at a step failed; `failures` counts those of this step."""

    digest: str
    failures: int
    reason: str
    verdicts: tuple[Verdict, ...]
    evidence: Evidence


@dataclass(frozen=True)
class ApprovalAsked:
    """A step passed, and a person has to say whether the challenger goes on."""

    challenger: str
    step: int
    verdicts: tuple[Verdict, ...]
    evidence: Evidence


@dataclass(frozen=True)
class StepApproved:
    """A person let the challenger go on."""

    challenger: str
    step: int
    reason: str


@dataclass(frozen=True)
class RolloutAdvanced:
    """A step passed and the next one began."""

    challenger: str
    step: int
    weight: int
    generation: int
    reason: str
    verdicts: tuple[Verdict, ...]
    evidence: Evidence


@dataclass(frozen=True)
class RolloutPaused:
    """A person stopped a rollout where it is; looks that fail still abort it."""

    digest: str
    reason: str


@dataclass(frozen=True)
class RolloutResumed:
    """A person let a rollout go on; its step began anew."""

    digest: str
    reason: str


@dataclass(frozen=True)
class RolloutAborted:
    """A challenger was taken back before it was champion."""

    challenger: str
    generation: int
    reason: str
    verdicts: tuple[Verdict, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True)
class ProbationEnded:
    """The old champion stopped shadowing: the new one is proven by labels, or `INCONCLUSIVE`, unproven."""

    champion: str
    generation: int
    outcome: Outcome
    reason: str
    verdicts: tuple[Verdict, ...] = ()
    evidence: Evidence | None = None
