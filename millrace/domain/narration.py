"""How is a ledger entry told in one line?"""

from typing import assert_never

from millrace.domain.facts import (
    AlertSent,
    ApprovalAsked,
    AttentionAsked,
    AutomationPaused,
    AutomationResumed,
    BatchAccepted,
    BatchQuarantined,
    ChallengerJudged,
    ChallengerReceived,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    ContractChanged,
    DatasetAdopted,
    DatasetCheckedOut,
    DecisionMade,
    Fact,
    GoldenPolicy,
    GoldenRenewed,
    MirrorRepaired,
    MonitoringDue,
    OfflineRollbackOvertaken,
    ProbationEnded,
    ReportKept,
    RolloutAborted,
    RolloutAdvanced,
    RolloutFact,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    RowsScored,
    RunParked,
    RunRequested,
    ServingConfigured,
    SilenceNoticed,
    SourceAsked,
    StepApproved,
    StepFailed,
    VersionOffered,
    VersionRegistered,
    VersionReproduced,
    WindowMonitored,
)
from millrace.domain.listing import name_some
from millrace.domain.pointer import ServingSettings
from millrace.domain.verdict import Outcome

_SHORT = 12
_SOME = 3
_DAY_SECONDS = 86_400


def tell(fact: Fact) -> str:  # noqa: PLR0911, PLR0912, C901 (an arm per kind of fact)
    """Return what happened as one line for people."""
    match fact:
        case BatchAccepted():
            released = f", released: {fact.release_reason}" if fact.release_reason else ""
            return f"batch {fact.part.batch} accepted, {fact.part.rows:,} rows{released}"
        case BatchQuarantined():
            broken = "; ".join(violation.message for violation in fact.violations)
            return f"batch {fact.batch} quarantined: {broken}"
        case ContractChanged():
            changed = f"changed, {name_some(fact.differences, _SOME)}" if fact.old else "recorded"
            return f"contract {fact.digest[:_SHORT]} {changed}: {fact.reason}"
        case DatasetAdopted():
            return f"dataset adopted as it came, {len(fact.parts)} parts"
        case DatasetCheckedOut():
            return f"dataset {fact.version[:_SHORT]} checked out, {len(fact.parts)} parts"
        case DecisionMade():
            return f"{fact.action}: {fact.reason}"
        case ChallengerTrained():
            return f"challenger {fact.digest[:_SHORT]} trained on {fact.rows:,} rows in {fact.seconds:.1f} s"
        case ChallengerJudged():
            return f"challenger {fact.digest[:_SHORT]} judged {fact.outcome}: {fact.reason}"
        case GoldenRenewed():
            looks = f"{fact.looks} look" + ("" if fact.looks == 1 else "s")
            return f"golden set renewed after {looks}, {tell_golden(fact.new)}: {fact.reason}"
        case VersionRegistered():
            return f"bundle {fact.digest[:_SHORT]} registered as version {fact.version}"
        case VersionReproduced():
            return f"{fact.digest[:_SHORT]} trained again: {fact.reason}"
        case VersionOffered():
            return f"{fact.digest[:_SHORT]} offered to {fact.channel}: {fact.reason}"
        case ChallengerReceived():
            by = f"{fact.offered_by} of {fact.origin}"
            return f"challenger {fact.digest[:_SHORT]} received, offered by {by}: {fact.reason}"
        case ServingConfigured():
            return f"services configured: {_tell_settings(fact.settings)}"
        case MirrorRepaired():
            return f"{fact.mirror} repaired, it was: {fact.found}"
        case SourceAsked():
            return f"source asked, {fact.batches} new batches{_tell_left(fact)}"
        case RowsScored():
            refused = f", {fact.refused:,} refused" if fact.refused else ""
            return f"{fact.rows:,} rows of {fact.source} scored by {fact.digest[:_SHORT]}{refused}"
        case RunRequested():
            again = f", attempt {fact.attempt}" if fact.attempt > 1 else ""
            return f"{fact.flow} requested: {fact.reason}{again}"
        case RunParked():
            return f"{fact.flow} parked after {fact.attempts} attempts: {fact.reason}"
        case AutomationPaused():
            return f"automatic work paused: {fact.reason}"
        case AutomationResumed():
            return f"automatic work resumed: {fact.reason}"
        case SilenceNoticed():
            return f"no {fact.subject} since {fact.since:%Y-%m-%d %H:%M} UTC"
        case WindowMonitored():
            return _tell_window(fact)
        case ReportKept():
            return f"report about the window up to {fact.end:%Y-%m-%d %H:%M} kept in run {fact.run_id}"
        case MonitoringDue():
            return f"{fact.rows:,} rows answered since {fact.since:%Y-%m-%d %H:%M} UTC: monitoring is due"
        case AttentionAsked():
            return f"a person is asked: {fact.reason}"
        case AlertSent():
            return f"people were told of entry {fact.cause_seq}"
        case _:
            return _tell_rollout(fact)


def tell_golden(policy: GoldenPolicy) -> str:
    """Return which blocks are golden as one line for people.

    >>> tell_golden(GoldenPolicy(0.1, "2013-05-01", 2))
    'share 0.1 of the blocks before 2013-05-01, generation 2'
    """
    until = f" before {policy.until}" if policy.until else ""
    return f"share {policy.share:g} of the blocks{until}, generation {policy.generation}"


def tell_threshold(threshold: float) -> str:
    """Return which answers of a binary model are positive, by its threshold, as one line for people.

    >>> tell_threshold(0.25)
    'the positive class from a probability of 0.25 on'
    >>> tell_threshold(1.0009)
    'never the positive class: no probability reaches the threshold 1.0009'
    >>> tell_threshold(0.0)
    'always the positive class: the threshold is 0'
    """
    if threshold > 1.0:
        return f"never the positive class: no probability reaches the threshold {threshold:.8g}"
    if threshold <= 0.0:
        return "always the positive class: the threshold is 0"
    return f"the positive class from a probability of {threshold:.6g} on"


def _tell_left(fact: SourceAsked) -> str:
    waiting = f", {fact.waiting:,} rows wait for more" if fact.waiting else ""
    unmarked = f", {fact.unmarked:,} rows have no watermark" if fact.unmarked else ""
    ahead = f", {fact.ahead:,} rows have a watermark in the future" if fact.ahead else ""
    late = f", {fact.late:,} rows came late and are lost" if fact.late else ""
    return f"{waiting}{unmarked}{ahead}{late}"


def _tell_window(fact: WindowMonitored) -> str:
    failed = [verdict.rule for verdict in fact.verdicts if verdict.outcome is Outcome.FAIL]
    found = f"failed: {', '.join(failed)}" if failed else "nothing failed"
    acts = [name for name, found in (("drift", fact.drift), ("decay", fact.decay)) if found is not None]
    asks = f"; {' and '.join(acts)} asks for a retraining" if acts else ""
    return f"{fact.rows:,} rows and {fact.labels:,} labels monitored, {found}{asks}"


def _tell_rollout(fact: RolloutFact) -> str:  # noqa: PLR0911, PLR0912, C901 (an arm per kind of fact)
    match fact:
        case ChampionPromoted():
            proving = ", on probation" if fact.on_probation else ""
            return f"{fact.digest[:_SHORT]} promoted to generation {fact.generation}{proving}"
        case ChampionRolledBack():
            return f"{fact.withdrawn[:_SHORT]} withdrawn, {fact.digest[:_SHORT]} answers again: {fact.reason}"
        case OfflineRollbackOvertaken():
            return f"rollback of {fact.withdrawn[:_SHORT]} not adopted, {fact.finding}: {fact.reason}"
        case RolloutStarted():
            room = fact.superseded or fact.unproven
            made = f"; {room[:_SHORT]} made room{'' if fact.superseded else ', unproven'}" if room else ""
            return f"rollout of {fact.challenger[:_SHORT]} began, {fact.policy.strategy}{made}"
        case StepFailed():
            return f"look at {fact.digest[:_SHORT]} {fact.reason}"
        case ApprovalAsked():
            return f"{fact.challenger[:_SHORT]} passed step {fact.step + 1} and waits for approval"
        case StepApproved():
            return f"step {fact.step + 1} of {fact.challenger[:_SHORT]} approved: {fact.reason}"
        case RolloutAdvanced():
            return f"{fact.challenger[:_SHORT]} answers {fact.weight} % of requests, step {fact.step + 1}"
        case RolloutPaused():
            return f"rollout of {fact.digest[:_SHORT]} paused: {fact.reason}"
        case RolloutResumed():
            return f"rollout of {fact.digest[:_SHORT]} resumed: {fact.reason}"
        case RolloutAborted():
            return f"rollout of {fact.challenger[:_SHORT]} aborted: {fact.reason}"
        case ProbationEnded():
            word = "proven" if fact.outcome is Outcome.PASS else "unproven"
            labelled = next((one.reason for one in fact.verdicts if one.rule == "loss"), fact.reason)
            why = labelled if fact.outcome is Outcome.PASS else fact.reason
            return f"{fact.champion[:_SHORT]} is {word}, its probation is over: {why}"
        case _:
            assert_never(fact)


def _tell_settings(settings: ServingSettings) -> str:
    kept = settings.retention_seconds
    clauses = (
        f"{settings.durability} log",
        f"sticky by {settings.sticky_key}" if settings.sticky_key else "",
        f"{', '.join(settings.hashed)} hashed" if settings.hashed else "",
        f"{', '.join(settings.left_out)} left out" if settings.left_out else "",
        f"kept for {kept / _DAY_SECONDS:g} days" if kept is not None else "kept for ever",
    )
    return "; ".join(filter(None, clauses))
