"""What did champion and challenger do at the same time, and can that be trusted?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from millrace.domain.rollout.sums import Sums

STALE_AFTER = timedelta(minutes=5)
"""Evidence that is older tells what was, not what is; so much may clocks differ, too."""


@dataclass(frozen=True)
class ArmEvidence:
    """What one arm did. `requests` counts every row it was asked for, `errors` those it failed.

    Rows without a finite answer are errors too, and counted by themselves. `slow` are the rows slower than
    the policy's ratio of the reference's 95th percentile. Latencies are in microseconds.
    """

    requests: int = 0
    errors: int = 0
    non_finite: int = 0
    slow: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    answers: Sums = field(default_factory=Sums)
    losses: Sums = field(default_factory=Sums)


@dataclass(frozen=True)
class Compared:
    """Both arms over the same time: in all, or in one slice.

    `shifts` are challenger minus champion for the rows that both answered, `disagreements` how many of
    those differ in what they would have decided; `excess_losses` are challenger minus champion for those
    that are labelled too. All are empty where no row was answered by both.
    """

    champion: ArmEvidence = field(default_factory=ArmEvidence)
    challenger: ArmEvidence = field(default_factory=ArmEvidence)
    shifts: Sums = field(default_factory=Sums)
    disagreements: int = 0
    excess_losses: Sums = field(default_factory=Sums)


@dataclass(frozen=True)
class Evidence:
    """What was logged of a step, from `since` until `until`.

    `services` counts those that live, `ready` those of them that have loaded and proven the challenger.
    `unreadable` counts damaged places of the log: what was measured is not all there was.
    """

    champion: str
    challenger: str
    since: datetime
    until: datetime
    services: int
    ready: int
    overall: Compared
    slices: Mapping[str, Compared] = field(default_factory=dict)
    unreadable: int = 0


def find_doubt(
    evidence: Evidence, champion: str, challenger: str, since: datetime, now: datetime
) -> str | None:
    """Say why evidence says nothing about this step now, None when it does.

    A doubt is an error of measuring, not of the challenger: nothing passes and nothing fails by it.
    """
    asked = f"{challenger[:12]} against {champion[:12]}"
    found = f"{evidence.challenger[:12]} against {evidence.champion[:12]}"
    ready, until = f"{evidence.ready} of {evidence.services} services", f"until {evidence.until}"
    doubts = (
        (evidence.challenger != challenger or evidence.champion != champion, f"about {found}, not {asked}"),
        (evidence.since < since, f"since {evidence.since}, before the step began at {since}"),
        (evidence.until < evidence.since, f"{until}, before it begins at {evidence.since}"),
        (evidence.until > now + STALE_AFTER, f"{until}, which is after now, {now}"),
        (evidence.until < now - STALE_AFTER, f"{until}, long before now, {now}"),
        (not 0 <= evidence.ready <= evidence.services, f"of {ready} that are ready, which cannot be"),
    )
    found_doubt = next((f"the evidence is {what}" for holds, what in doubts if holds), None)
    compared = (evidence.overall, *evidence.slices.values())
    return found_doubt or next(filter(None, map(_contradiction, compared)), None)


def _contradiction(compared: Compared) -> str | None:
    for name, arm in (("champion", compared.champion), ("challenger", compared.challenger)):
        parts = (arm.errors, arm.slow, arm.non_finite, arm.answers.n, arm.losses.n)
        if min(parts) < 0 or max(parts) > arm.requests:
            return f"the {name}'s parts {parts} do not fit in its {arm.requests} requests"
    if not 0 <= compared.disagreements <= compared.shifts.n:
        return f"{compared.disagreements} of {compared.shifts.n} rows cannot disagree"
    return None
