"""What can have happened? The kinds of ledger entry, each a past-tense noun with its facts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import get_args

from millrace.domain.contract import Violation
from millrace.domain.dataset import Part
from millrace.domain.pointer import ServingSettings
from millrace.domain.verdict import Outcome, Verdict


@dataclass(frozen=True)
class BatchAccepted:
    """A batch became a part of the dataset.

    `release_reason` says why a person let it in although it broke the contract.
    """

    batch_digest: str
    part: Part
    release_reason: str | None = None


@dataclass(frozen=True)
class BatchQuarantined:
    """A batch broke the contract; its bytes are kept beside the report."""

    batch_digest: str
    batch: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class DatasetAdopted:
    """A dataset that came with the clone was taken over as it stands."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class DatasetCheckedOut:
    """A person made an earlier dataset version the current one."""

    version: str
    parts: tuple[Part, ...]


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


@dataclass(frozen=True)
class ChampionPromoted:
    """A challenger became champion; `on_probation` the one before it keeps shadowing."""

    digest: str
    previous: str | None
    generation: int
    reason: str
    on_probation: bool = False


@dataclass(frozen=True)
class ChampionRolledBack:
    """The champion went back to the one before it; `withdrawn` never returns by a rollback.

    `offline_generation` is that of the pointer by which services were told of it before the ledger was.
    """

    digest: str
    withdrawn: str
    generation: int
    reason: str
    offline_generation: int | None = None


@dataclass(frozen=True)
class OfflineRollbackOvertaken:
    """An offline rollback was not adopted: what serves had changed meanwhile, and stays as it was.

    `withdrawn` never returns by a rollback all the same, unless it is the champion.
    """

    champion: str
    previous: str | None
    withdrawn: str
    generation: int
    offline_generation: int
    reason: str
    finding: str


@dataclass(frozen=True)
class ServingConfigured:
    """Services were told to treat requests otherwise from now on, as `[serving]` of `model.toml` says."""

    settings: ServingSettings


@dataclass(frozen=True)
class MirrorRepaired:
    """A pointer, alias or dataset file differed from the ledger and was rewritten from it."""

    mirror: str
    found: str


@dataclass(frozen=True)
class SourceAsked:
    """The model's source was asked for new batches, as its schedule wants."""

    batches: int


@dataclass(frozen=True)
class RunRequested:
    """The controller asked for a flow run; the same work has the same `key`, `attempt` counts from 1."""

    key: str
    flow: str
    reason: str
    attempt: int


@dataclass(frozen=True)
class RunParked:
    """Every attempt at a piece of work ended without it being done: it waits for a person now."""

    key: str
    flow: str
    attempts: int
    reason: str


@dataclass(frozen=True)
class AutomationPaused:
    """A person stopped all automatic work on the model."""

    reason: str


@dataclass(frozen=True)
class AutomationResumed:
    """A person let automatic work on the model go on; what was parked is tried again."""

    reason: str


class Subject(StrEnum):
    """What can stay away for too long."""

    DATA = "data"
    DECISION = "decision"


@dataclass(frozen=True)
class SilenceNoticed:
    """Nothing of `subject` has come since `since`, for longer than `limit_seconds` allow."""

    subject: Subject
    since: datetime
    limit_seconds: float


@dataclass(frozen=True)
class AlertSent:
    """People were told about entry `cause_seq`."""

    cause_seq: int


ServingFact = ChampionPromoted | ChampionRolledBack | OfflineRollbackOvertaken
"""What makes a new generation of what serves."""

SERVING_KINDS: tuple[type, ...] = get_args(ServingFact)

Fact = (
    BatchAccepted
    | BatchQuarantined
    | DatasetAdopted
    | DatasetCheckedOut
    | DecisionMade
    | ChallengerTrained
    | ChallengerJudged
    | VersionRegistered
    | ChampionPromoted
    | ChampionRolledBack
    | OfflineRollbackOvertaken
    | ServingConfigured
    | MirrorRepaired
    | SourceAsked
    | RunRequested
    | RunParked
    | AutomationPaused
    | AutomationResumed
    | SilenceNoticed
    | AlertSent
)
