"""Where is a model's rollout? All of it follows from the ledger's facts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from millrace.domain.facts import (
    ApprovalAsked,
    ChampionPromoted,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutFact,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    ServingFact,
    StepApproved,
    StepFailed,
)
from millrace.domain.pointer import WHOLE, Arm, ArmRole
from millrace.domain.rollout.policy import Policy, Strategy


class Phase(StrEnum):
    """How far a challenger has come."""

    IDLE = "idle"
    SHADOW = "shadow"
    CANARY = "canary"
    PROBATION = "probation"


@dataclass(frozen=True)
class Rollout:
    """What answers for a model and what is on its way. Idle, there is only a champion, or none at all.

    `former` is the champion before the one on probation, `policy` that of the whole rollout.
    `since` is when the step began, `failed_at` when its last look failed. The deadline runs from
    `waits_since`: an approval or the end of a pause gives the step its time anew. `reference_p95` is how
    fast, in microseconds, the former champion was in the last step in which it answered.
    """

    model: str
    generation: int = 0
    champion: str | None = None
    phase: Phase = Phase.IDLE
    challenger: str | None = None
    former: str | None = None
    policy: Policy | None = None
    step: int = 0
    since: datetime | None = None
    waits_since: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None
    is_asking: bool = False
    is_approved: bool = False
    paused: str | None = None
    reference_p95: float | None = None

    @property
    def on_trial(self) -> str | None:
        """The version that evidence is collected about."""
        return self.champion if self.phase is Phase.PROBATION else self.challenger

    @property
    def control(self) -> str | None:
        """The version that the one on trial is compared with."""
        match self.phase:
            case Phase.IDLE:
                return None
            case Phase.PROBATION:
                return self.former
            case Phase.SHADOW | Phase.CANARY:
                return self.champion

    @property
    def weight(self) -> int:
        """The share of requests in percent that the challenger answers."""
        return self.policy.steps[self.step].weight if self.policy and self.phase is Phase.CANARY else 0

    @property
    def is_direct(self) -> bool:
        """Whether the log is replayed, and no service is asked to do anything."""
        return self.policy is not None and self.policy.strategy is Strategy.DIRECT

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What services are to do: the answering champion first, then who is compared with it."""
        if self.champion is None:
            return ()
        alone = Arm(self.champion, ArmRole.ANSWER, WHOLE)
        match self.phase:
            case Phase.CANARY if self.challenger is not None:
                rest = Arm(self.champion, ArmRole.ANSWER, WHOLE - self.weight)
                return (rest, Arm(self.challenger, ArmRole.ANSWER, self.weight))
            case Phase.SHADOW if self.challenger is not None and not self.is_direct:
                return (alone, Arm(self.challenger, ArmRole.SHADOW, WHOLE))
            case Phase.PROBATION if self.former is not None:
                return (alone, Arm(self.former, ArmRole.SHADOW, WHOLE))
            case _:
                return (alone,)


def fold_rollout(model: str, history: Iterable[tuple[RolloutFact, datetime]]) -> Rollout:
    """Return where the rollout is, by all facts in their order, or by those from a `RolloutStarted` on."""
    rollout = Rollout(model)
    for fact, at in history:
        rollout = rollout_after(rollout, fact, at)
    return rollout


def rollout_after(rollout: Rollout, fact: RolloutFact, at: datetime) -> Rollout:
    """Return where the rollout is once `fact` has happened at `at`."""
    match fact:
        case StepFailed():
            return replace(rollout, failures=fact.failures, failed_at=at)
        case ApprovalAsked():
            return replace(rollout, is_asking=True)
        case StepApproved():
            return replace(rollout, is_asking=False, is_approved=True, waits_since=at)
        case RolloutPaused():
            return replace(rollout, paused=fact.reason)
        case RolloutResumed():
            return replace(rollout, paused=None, since=at, waits_since=at)
        case _:
            return _after_generation(rollout, fact, at)


def _after_generation(rollout: Rollout, fact: ServingFact, at: datetime) -> Rollout:
    """Return the rollout once services do something else."""
    match fact:
        case RolloutStarted():
            phase = Phase.CANARY if fact.policy.steps[0].weight else Phase.SHADOW
            return Rollout(
                rollout.model, fact.generation, fact.champion,
                phase=phase, challenger=fact.challenger, policy=fact.policy, since=at, waits_since=at,
            )  # fmt: skip
        case RolloutAdvanced():
            return replace(
                rollout, generation=fact.generation, phase=Phase.CANARY, step=fact.step, since=at,
                waits_since=at, failures=0, failed_at=None, is_asking=False, is_approved=False,
            )  # fmt: skip
        case ChampionPromoted():
            return _after_promotion(rollout, fact, at)
        case ChampionRolledBack():
            return Rollout(rollout.model, fact.generation, fact.digest)
        case OfflineRollbackOvertaken():
            return Rollout(rollout.model, fact.generation, fact.champion)
        case RolloutAborted() | ProbationEnded():
            return Rollout(rollout.model, fact.generation, rollout.champion)


def _after_promotion(rollout: Rollout, fact: ChampionPromoted, at: datetime) -> Rollout:
    after = Rollout(rollout.model, fact.generation, fact.digest)
    if not fact.on_probation or fact.previous is None:
        return after
    reference = fact.evidence.overall.champion.p95 if fact.evidence else None
    return replace(
        after, phase=Phase.PROBATION, former=fact.previous, policy=rollout.policy, since=at,
        waits_since=at, reference_p95=reference,
    )  # fmt: skip
