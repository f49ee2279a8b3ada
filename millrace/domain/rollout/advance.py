"""What happens next in a rollout? Every answer is one fact for the ledger, or none.

Nothing here writes, and nothing that writes judges. All functions are total: what cannot be done now is a
transition without a fact, that says why.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from millrace.domain.facts import (
    ApprovalAsked,
    ChampionPromoted,
    ChampionRolledBack,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutFact,
    RolloutPaused,
    RolloutResumed,
    RolloutStarted,
    StepApproved,
    StepFailed,
)
from millrace.domain.rollout.evidence import Evidence, find_doubt
from millrace.domain.rollout.judges import judge_step
from millrace.domain.rollout.policy import Approval, Policy
from millrace.domain.rollout.state import Phase, Rollout, rollout_after
from millrace.domain.verdict import Outcome, Verdict, worst_of


@dataclass(frozen=True)
class Transition:
    """What is to be recorded, if anything, where the rollout is then, and why in one line."""

    fact: RolloutFact | None
    after: Rollout
    reason: str
    verdicts: tuple[Verdict, ...] = ()


def start(rollout: Rollout, challenger: str, policy: Policy, now: datetime) -> Transition:
    """Begin the rollout of a challenger that the gate has passed.

    The first champion of a model answers at once: there is nothing to compare it with. A challenger that
    answers requests already is not disturbed; one that does not makes room, as a probation does.
    """
    if challenger in {rollout.champion, rollout.challenger}:
        return _stay(rollout, f"{challenger[:12]} is on its way already, or has arrived")
    if rollout.champion is None:
        reason = "the first champion: the gate has passed it, and nothing answers yet"
        return _move(rollout, ChampionPromoted(challenger, None, rollout.generation + 1, reason), now)
    if rollout.weight > 0:
        return _stay(
            rollout, f"{_short(rollout.challenger)} answers {rollout.weight} % and is decided on first"
        )
    if rollout.phase is Phase.PROBATION and rollout.failures:
        return _stay(rollout, f"{_short(rollout.champion)} has failed a look and is decided on first")
    unproven = rollout.champion if rollout.phase is Phase.PROBATION else None
    fact = RolloutStarted(
        challenger, rollout.champion, policy, rollout.generation + 1, rollout.challenger, unproven
    )
    room = rollout.challenger or unproven
    return _move(rollout, fact, now, f"{_short(room)} made room" if room else "started")


def advance(rollout: Rollout, evidence: Evidence | None, policy: Policy, now: datetime) -> Transition:
    """Take one look: go on, wait, or take the version on trial back."""
    if rollout.phase is Phase.IDLE or rollout.since is None:
        return _stay(rollout, "nothing is on its way")
    if (doubt := _doubt(rollout, evidence, now)) is not None:
        return _wait(rollout, evidence, doubt, (), policy, now)
    assert evidence is not None  # noqa: S101 - without evidence there is a doubt
    verdicts = _judge(rollout, evidence, policy)
    worst = worst_of(verdicts)
    match worst.outcome:
        case Outcome.FAIL:
            return _fail(rollout, evidence, verdicts, policy, now)
        case Outcome.INCONCLUSIVE:
            return _wait(rollout, evidence, f"{worst.rule}: {worst.reason}", verdicts, policy, now)
        case Outcome.PASS:
            return _pass(rollout, evidence, verdicts, policy, now)


def approve(rollout: Rollout, reason: str, now: datetime) -> Transition:
    """Let a step that passed go on, on the word of a person; the next look does."""
    if not rollout.is_asking or rollout.challenger is None:
        return _stay(rollout, "nothing waits for approval")
    return _move(rollout, StepApproved(rollout.challenger, rollout.step, reason), now)


def reject(rollout: Rollout, reason: str, now: datetime) -> Transition:
    """Take back a challenger that waits for approval."""
    if not rollout.is_asking:
        return _stay(rollout, "nothing waits for approval")
    return abort(rollout, f"rejected: {reason}", now)


def abort(rollout: Rollout, reason: str, now: datetime) -> Transition:
    """Take the challenger back, whatever its step; a champion on probation goes back by a rollback."""
    if rollout.challenger is None:
        is_proving = rollout.phase is Phase.PROBATION
        hint = "the challenger is champion already: `millrace rollback` takes it back"
        return _stay(rollout, hint if is_proving else "nothing is on its way")
    return _move(rollout, RolloutAborted(rollout.challenger, rollout.generation + 1, reason), now, reason)


def pause(rollout: Rollout, reason: str, now: datetime) -> Transition:
    """Keep the rollout where it is; what fails is still taken back."""
    if rollout.on_trial is None or rollout.paused is not None:
        return _stay(
            rollout, f"paused already: {rollout.paused}" if rollout.paused else "nothing is on its way"
        )
    return _move(rollout, RolloutPaused(rollout.on_trial, reason), now)


def resume(rollout: Rollout, reason: str, now: datetime) -> Transition:
    """Let the rollout go on; the deadline of its step runs anew."""
    if rollout.on_trial is None or rollout.paused is None:
        return _stay(rollout, "nothing is paused")
    return _move(rollout, RolloutResumed(rollout.on_trial, reason), now)


def _doubt(rollout: Rollout, evidence: Evidence | None, now: datetime) -> str | None:
    if evidence is None:
        return "there is no evidence"
    since = datetime.min.replace(tzinfo=UTC) if rollout.is_direct else rollout.since or now
    return find_doubt(evidence, str(rollout.control), str(rollout.on_trial), since, now)


def _judge(rollout: Rollout, evidence: Evidence, policy: Policy) -> tuple[Verdict, ...]:
    if rollout.phase is Phase.PROBATION:
        return judge_step(evidence, policy, min_labels=policy.probation_labels)
    by_labels = policy.steps[rollout.step].on_labels
    return judge_step(evidence, policy, min_labels=policy.step_requests if by_labels else None)


def _fail(
    rollout: Rollout, evidence: Evidence, verdicts: tuple[Verdict, ...], policy: Policy, now: datetime
) -> Transition:
    """Count a failing look, at most one in each interval, and take back at the limit."""
    # a look that comes a little early, as its process was faster to start, is still the next one
    nearly = 0.9 * policy.interval
    if rollout.failed_at is not None and timedelta(0) <= now - rollout.failed_at < nearly:
        return _stay(rollout, "the last look failed, and the next one is not due", verdicts)
    failures, worst = rollout.failures + 1, worst_of(verdicts)
    reason = f"failed ({failures}) of failure_limit ({policy.failure_limit}): {worst.rule}: {worst.reason}"
    if failures >= policy.failure_limit:
        return _take_back(rollout, evidence, reason, verdicts, now)
    fact = StepFailed(str(rollout.on_trial), failures, reason, verdicts, evidence)
    return _move(rollout, fact, now, reason, verdicts)


def _take_back(
    rollout: Rollout, evidence: Evidence | None, reason: str, verdicts: tuple[Verdict, ...], now: datetime
) -> Transition:
    generation = rollout.generation + 1
    if rollout.phase is Phase.PROBATION:
        fact: RolloutFact = ChampionRolledBack(
            str(rollout.control), str(rollout.champion), generation, f"on probation: {reason}",
            verdicts=verdicts, evidence=evidence,
        )  # fmt: skip
    else:
        fact = RolloutAborted(str(rollout.challenger), generation, reason, verdicts, evidence)
    return _move(rollout, fact, now, reason, verdicts)


def _wait(
    rollout: Rollout,
    evidence: Evidence | None,
    reason: str,
    verdicts: tuple[Verdict, ...],
    policy: Policy,
    now: datetime,
) -> Transition:
    """Stay, until the deadline: then a challenger is taken back, and a champion stays, unproven."""
    is_proving = rollout.phase is Phase.PROBATION
    deadline = policy.probation_deadline if is_proving else policy.deadline
    is_held = rollout.paused is not None or rollout.is_asking
    if is_held or rollout.waits_since is None or now - rollout.waits_since < deadline:
        return _stay(rollout, reason, verdicts)
    over = f"inconclusive at the deadline of {deadline}: {reason}"
    if not is_proving:
        return _take_back(rollout, evidence, over, verdicts, now)
    fact = ProbationEnded(
        str(rollout.champion), rollout.generation + 1, Outcome.INCONCLUSIVE, over, verdicts, evidence
    )
    return _move(rollout, fact, now, over, verdicts)


def _pass(
    rollout: Rollout, evidence: Evidence, verdicts: tuple[Verdict, ...], policy: Policy, now: datetime
) -> Transition:
    generation, reason = rollout.generation + 1, "; ".join(f"{one.rule}: {one.reason}" for one in verdicts)
    if rollout.paused is not None:
        return _wait(rollout, evidence, f"paused: {rollout.paused}", verdicts, policy, now)
    if rollout.phase is Phase.PROBATION:
        ended = ProbationEnded(str(rollout.champion), generation, Outcome.PASS, reason, verdicts, evidence)
        return _move(rollout, ended, now, reason, verdicts)
    if (held := _hold(rollout, evidence)) is not None:
        return _wait(rollout, evidence, held, verdicts, policy, now)
    challenger, step = str(rollout.challenger), rollout.step + 1
    if policy.approval is Approval.MANUAL and not rollout.is_approved:
        if rollout.is_asking:
            return _stay(rollout, "waits for approval", verdicts)
        asked = ApprovalAsked(challenger, rollout.step, verdicts, evidence)
        return _move(rollout, asked, now, reason, verdicts)
    if step < len(policy.steps):
        weight = policy.steps[step].weight
        fact: RolloutFact = RolloutAdvanced(challenger, step, weight, generation, reason, verdicts, evidence)
    else:
        fact = ChampionPromoted(
            challenger, rollout.champion, generation, reason, not rollout.is_direct, verdicts, evidence
        )
    return _move(rollout, fact, now, reason, verdicts)


def _hold(rollout: Rollout, evidence: Evidence) -> str | None:
    """Say what keeps a step that passed from going on."""
    if rollout.is_direct:
        return None
    if not evidence.services or evidence.ready < evidence.services:
        return f"{evidence.ready} of {evidence.services} living services have proven the challenger"
    return None


def _stay(rollout: Rollout, reason: str, verdicts: tuple[Verdict, ...] = ()) -> Transition:
    return Transition(None, rollout, reason, verdicts)


def _move(
    rollout: Rollout, fact: RolloutFact, now: datetime, reason: str = "", verdicts: tuple[Verdict, ...] = ()
) -> Transition:
    return Transition(fact, rollout_after(rollout, fact, now), reason, verdicts)


def _short(digest: str | None) -> str:
    return (digest or "nothing")[:12]
