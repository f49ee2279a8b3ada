"""What can have happened? The kinds of ledger entry, each a past-tense noun with its facts."""

from typing import get_args

from millrace.domain.facts.data import (
    BatchAccepted,
    BatchQuarantined,
    ContractChanged,
    DatasetAdopted,
    DatasetCheckedOut,
    SourceAsked,
)
from millrace.domain.facts.golden import GoldenPolicy, GoldenRenewed
from millrace.domain.facts.monitoring import (
    AttentionAsked,
    Decay,
    Drift,
    MonitoringDue,
    ReportKept,
    WindowMonitored,
)
from millrace.domain.facts.offers import ChallengerReceived, Milestone, VersionOffered
from millrace.domain.facts.operation import (
    AlertSent,
    AutomationPaused,
    AutomationResumed,
    MirrorRepaired,
    RunParked,
    RunRequested,
    SilenceNoticed,
    Subject,
)
from millrace.domain.facts.rollout import (
    ApprovalAsked,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    StepApproved,
    StepFailed,
)
from millrace.domain.facts.serving import (
    ChampionPromoted,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    RowsScored,
    ServingConfigured,
)
from millrace.domain.facts.training import (
    Action,
    Agreement,
    AnswerTenth,
    ChallengerJudged,
    ChallengerTrained,
    DecisionMade,
    Inputs,
    Level,
    Reproduction,
    RuleFinding,
    SliceLevel,
    VersionRegistered,
    VersionReproduced,
)

ChampionFact = ChampionPromoted | ChampionRolledBack | OfflineRollbackOvertaken
"""What makes, or keeps, a champion."""

CHAMPION_KINDS: tuple[type, ...] = get_args(ChampionFact)

CROWNING_KINDS = (ChampionPromoted, ChampionRolledBack)
"""What makes another version the champion, or the same one anew; an overtaken rollback does not."""

ServingFact = ChampionFact | RolloutStarted | RolloutAdvanced | RolloutAborted | ProbationEnded
"""What makes a new generation of what serves."""

SERVING_KINDS: tuple[type, ...] = get_args(ServingFact)

RolloutFact = ServingFact | StepFailed | ApprovalAsked | StepApproved | RolloutPaused | RolloutResumed
"""What the state of a rollout follows from."""

ROLLOUT_KINDS: tuple[type, ...] = get_args(RolloutFact)

Fact = (
    BatchAccepted
    | BatchQuarantined
    | ContractChanged
    | DatasetAdopted
    | DatasetCheckedOut
    | SourceAsked
    | DecisionMade
    | ChallengerTrained
    | ChallengerJudged
    | GoldenRenewed
    | VersionRegistered
    | VersionReproduced
    | VersionOffered
    | ChallengerReceived
    | RolloutFact
    | RowsScored
    | ServingConfigured
    | WindowMonitored
    | ReportKept
    | MonitoringDue
    | AttentionAsked
    | MirrorRepaired
    | RunRequested
    | RunParked
    | AutomationPaused
    | AutomationResumed
    | SilenceNoticed
    | AlertSent
)

__all__ = [
    "CHAMPION_KINDS",
    "CROWNING_KINDS",
    "ROLLOUT_KINDS",
    "SERVING_KINDS",
    "Action",
    "Agreement",
    "AlertSent",
    "AnswerTenth",
    "ApprovalAsked",
    "AttentionAsked",
    "AutomationPaused",
    "AutomationResumed",
    "BatchAccepted",
    "BatchQuarantined",
    "ChallengerJudged",
    "ChallengerReceived",
    "ChallengerTrained",
    "ChampionFact",
    "ChampionPromoted",
    "ChampionRolledBack",
    "ContractChanged",
    "DatasetAdopted",
    "DatasetCheckedOut",
    "Decay",
    "DecisionMade",
    "Drift",
    "Fact",
    "GoldenPolicy",
    "GoldenRenewed",
    "Inputs",
    "Level",
    "Milestone",
    "MirrorRepaired",
    "MonitoringDue",
    "OfflineRollbackOvertaken",
    "ProbationEnded",
    "ReportKept",
    "Reproduction",
    "RolloutAborted",
    "RolloutAdvanced",
    "RolloutFact",
    "RolloutPaused",
    "RolloutResumed",
    "RolloutStarted",
    "RowsScored",
    "RuleFinding",
    "RunParked",
    "RunRequested",
    "ServingConfigured",
    "ServingFact",
    "SilenceNoticed",
    "SliceLevel",
    "SourceAsked",
    "StepApproved",
    "StepFailed",
    "Subject",
    "VersionOffered",
    "VersionRegistered",
    "VersionReproduced",
    "WindowMonitored",
]
