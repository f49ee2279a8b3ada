"""Of what must people be told?"""

from dataclasses import dataclass
from datetime import timedelta

from millrace.domain.facts import (
    ApprovalAsked,
    AttentionAsked,
    BatchQuarantined,
    ChallengerJudged,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutStarted,
    RunParked,
    SilenceNoticed,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.verdict import Outcome

ALERTING_KINDS = (
    BatchQuarantined,
    ChallengerJudged,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    RolloutStarted,
    RolloutAborted,
    ApprovalAsked,
    ProbationEnded,
    RunParked,
    SilenceNoticed,
    WindowMonitored,
    AttentionAsked,
)
"""The kinds of entry that can be worth an alert."""

_VERBS = {"monitor": "monitor look", "rollout": "rollout look"}
"""What does by hand what a flow does, where it is not called like the flow."""


@dataclass(frozen=True)
class Alert:
    """What people read: one line, then what to do. `page` is where the status site shows the evidence."""

    title: str
    body: str
    page: str | None = None


def alert_about(entry: Entry) -> Alert | None:  # noqa: PLR0911, PLR0912, C901 (an arm per kind of entry)
    """Return what to tell people about `entry`, None when it is nothing they must know."""
    model = entry.model
    match entry.fact:
        case BatchQuarantined() as fact:
            broken = "\n".join(violation.message for violation in fact.violations)
            after = f"`millrace quarantine show {model} {fact.batch_digest[:12]}` shows the rows."
            return Alert(f"{model}: batch {fact.batch} is in quarantine", f"{broken}\n{after}")
        case ChallengerJudged() as fact if fact.outcome is not Outcome.PASS:
            after = f"The champion is untouched. `millrace why {fact.digest[:12]}` shows its lineage."
            return Alert(f"{model}: challenger {fact.digest[:12]} was refused", f"{fact.reason}\n{after}")
        case ChampionRolledBack() as fact:
            body = f"{fact.withdrawn[:12]} was withdrawn: {fact.reason}"
            return _about_rollout(entry, f"rolled back to {fact.digest[:12]}", body)
        case OfflineRollbackOvertaken() as fact:
            after = f"If {fact.champion[:12]} must go too: `millrace rollback {model} --reason TEXT`."
            body = f"{fact.withdrawn[:12]} was withdrawn, {fact.reason}\n{fact.finding}. {after}"
            return Alert(f"{model}: an offline rollback was not adopted", body)
        case RolloutAborted() as fact:
            body = f"{fact.reason}\nThe champion is untouched."
            return _about_rollout(entry, f"rollout of {fact.challenger[:12]} aborted", body)
        case ApprovalAsked() as fact:
            passed = "; ".join(f"{one.rule}: {one.reason}" for one in fact.verdicts)
            after = f"`millrace approve {model} --reason TEXT` or `millrace reject {model} --reason TEXT`."
            title = f"{fact.challenger[:12]} waits for approval after step {fact.step + 1}"
            return _about_rollout(entry, title, f"{passed}\n{after}")
        case ProbationEnded() as fact if fact.outcome is not Outcome.PASS:
            return _about_unproven(entry, fact.champion, fact.reason)
        case RolloutStarted(unproven=str(champion)) as fact:
            reason = f"challenger {fact.challenger[:12]} began its rollout before labels had proven it"
            return _about_unproven(entry, champion, reason)
        case WindowMonitored() as fact if fact.alarms:
            return _about_window(model, fact)
        case AttentionAsked() as fact:
            return _about_attention(model, fact)
        case RunParked() as fact:
            verb = _VERBS.get(fact.flow, fact.flow)
            after = (
                f"The champion is untouched. `millrace {verb} {model}` shows what is wrong; "
                f"`millrace resume {model} --reason TEXT` lets the controller try it again."
            )
            return Alert(
                f"{model}: {fact.flow} is parked after {fact.attempts} attempts", f"{fact.reason}\n{after}"
            )
        case SilenceNoticed() as fact:
            body = f"The last was at {fact.since:%Y-%m-%d %H:%M} UTC; `millrace history {model}` shows it."
            limit = timedelta(seconds=fact.limit_seconds)
            return Alert(f"{model}: no {fact.subject} for more than {limit}", body)
        case _:
            return None


def _about_window(model: str, fact: WindowMonitored) -> Alert:
    failed = [f"{one.rule}: {one.reason}" for one in fact.verdicts if one.rule in fact.alarms]
    asks = "A retraining is asked for. " if fact.drift or fact.decay else ""
    after = f"{asks}`millrace monitor status {model}` shows every column and slice."
    title = f"{model}: {', '.join(fact.alarms)} not as it should be"
    return Alert(title, "\n".join([*failed, after]), f"models/{model}/monitoring")


def _about_attention(model: str, fact: AttentionAsked) -> Alert:
    after = (
        f"Look at the report, bring labelled rows of the time since {fact.since:%Y-%m-%d %H:%M} UTC by "
        f"`millrace ingest {model}`, then `millrace retrain {model} --force`."
    )
    title = f"{model}: no training can mend what was found, a person has to look"
    return Alert(title, f"{fact.reason}\n{after}", f"models/{model}/monitoring")


def _about_rollout(entry: Entry, title: str, body: str) -> Alert:
    after = f"`millrace rollout status {entry.model}` shows the evidence."
    page = f"models/{entry.model}/rollout#entry-{entry.seq}"
    return Alert(f"{entry.model}: {title}", f"{body}\n{after}", page)


def _about_unproven(entry: Entry, champion: str, reason: str) -> Alert:
    after = f"If it must go: `millrace rollback {entry.model} --reason TEXT`."
    return _about_rollout(entry, f"champion {champion[:12]} stays, unproven", f"{reason}\n{after}")
