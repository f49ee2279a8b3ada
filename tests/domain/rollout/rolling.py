"""A policy, a rollout that is under way, and evidence whose verdict is obvious."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from millrace.domain.facts import ChampionPromoted
from millrace.domain.rollout.advance import Transition, advance, start
from millrace.domain.rollout.evidence import ArmEvidence, Compared, Evidence
from millrace.domain.rollout.policy import Approval, Limits, Policy, Step, Strategy
from millrace.domain.rollout.state import Rollout, rollout_after
from millrace.domain.rollout.sums import Sums

START = datetime(2026, 3, 1, tzinfo=UTC)
OLD, NEW, NEWER = "a" * 64, "b" * 64, "c" * 64
MINUTE = timedelta(minutes=1)
REQUESTS = 2000

LIMITS = Limits(
    max_excess_errors=0.01,
    max_latency_ratio=1.5,
    max_shift=0.2,
    max_disagreement=0.1,
    max_excess_loss=0.02,
    alpha=0.05,
)
POLICY = Policy(
    strategy=Strategy.CANARY,
    steps=(Step(0), Step(5), Step(50)),
    approval=Approval.AUTO,
    step_requests=500,
    interval=MINUTE,
    failure_limit=3,
    deadline=2 * 60 * MINUTE,
    probation_labels=200,
    probation_deadline=7 * 24 * 60 * MINUTE,
    limits=LIMITS,
)


def crowned() -> Rollout:
    """Return what serves once a first champion does."""
    return rollout_after(Rollout("fares"), ChampionPromoted(OLD, None, 1, "first"), START)


def started(policy: Policy = POLICY) -> Rollout:
    return start(crowned(), NEW, policy, START).after


def numbers(mean: float, n: int = REQUESTS, spread: float = 1.0) -> Sums:
    """Return the sums of n numbers with this mean and standard deviation."""
    return Sums(n, mean * n, n * (spread**2 + mean**2))


def arm(requests: int = REQUESTS, errors: int = 0, slow: int = 0, p95: float | None = 1000.0) -> ArmEvidence:
    return ArmEvidence(requests=requests, errors=errors, slow=slow, p95=p95, answers=numbers(0.5, requests))


GOOD = Compared(arm(), arm())
BROKEN = Compared(arm(), arm(errors=200))


def evidence_for(rollout: Rollout, compared: Compared, now: datetime) -> Evidence:
    """Return evidence about the step that is under way, seen by two services that are both ready."""
    return Evidence(
        champion=str(rollout.control),
        challenger=str(rollout.on_trial),
        since=rollout.since or now,
        until=max(now, rollout.since or now),
        services=2,
        ready=2,
        overall=compared,
    )


def labelled(compared: Compared, excess: float, rows: int = 5000) -> Compared:
    """Add labels for rows that both answered, on which the one on trial loses so much more."""
    champion, challenger = arm(rows), arm(rows)
    return replace(
        compared, champion=champion, challenger=challenger, excess_losses=numbers(excess, rows, 0.1)
    )


def look(rollout: Rollout, compared: Compared, now: datetime, policy: Policy = POLICY) -> Transition:
    return advance(rollout, evidence_for(rollout, compared, now), policy, now)


def carried(rollout: Rollout, compared: Compared, policy: Policy = POLICY) -> list[Transition]:
    """Take a look each interval until nothing is on its way to be champion; each transition."""
    taken: list[Transition] = []
    for number in range(1, 20):
        if rollout.challenger is None:
            break
        taken.append(look(rollout, compared, START + number * policy.interval, policy))
        rollout = taken[-1].after
    assert rollout.challenger is None, "twenty looks have led nowhere"
    return taken


def on_probation(policy: Policy = POLICY) -> Rollout:
    """Let good evidence carry a challenger to the end of its steps."""
    return carried(started(policy), GOOD, policy)[-1].after
