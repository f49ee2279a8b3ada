"""How fast does a model go stale, and how old is what it learned from?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from millrace.domain.bootstrap import Interval
from millrace.domain.config import GateSection, Rule, StalenessPolicy
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import (
    Measured,
    confidence_at_look,
    judge_non_inferior,
    measure,
    too_few_blocks,
)
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.losses import FloatArray
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Aged:
    """What the same estimator answers to the recent rows, had it learned up to `days` before the first.

    `answers` is None where `training_blocks`, those it had to learn from, are too few.
    """

    days: float
    training_blocks: int
    training_rows: int
    answers: FloatArray | None

    @property
    def name(self) -> str:
        return f"{spell_days(self.days)} old" if self.days else "fresh"


@dataclass(frozen=True, eq=False)
class Staleness(Measurement):
    """Refits by their age, the fresh one first, each to a stretch of time as long as the others'.

    `data_days` is how much older the newest block is that the challenger itself learned from than the newest
    that judges it; 0 where it is newer.
    """

    ages: tuple[Aged, ...]
    data_days: float


def judge_staleness(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the loss at the greatest age against the loss when fresh, on the same recent rows.

    It fails where the model surely loses more than `max_decay` by being so old, or where the challenger's
    own training rows are older than `max_data_age`.
    """
    rule, recent = Rule.STALENESS, evidence.recent
    limits = asked_of(policy.staleness, rule)
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    found = evidence.find(rule, Staleness)
    if found.data_days > (most := _days_of(limits.max_data_age.total_seconds())):
        told = f"the newest block it learned from is {spell_days(found.data_days)} older than the newest that"
        reason = f"{told} judges, needed at most {spell_days(most)}"
        return Finding(
            rule, Outcome.FAIL, reason, bars=(Bar("age of the data, days", found.data_days, limit=most),)
        )
    _check_ages(found, policy, limits)
    compared = list(_against_fresh(found, evidence, policy))
    oldest, measured = compared[0]
    verdict = judge_non_inferior(rule, measured, limits.max_decay)
    bars = tuple(_bar(aged, one.excess, limits.max_decay) for aged, one in compared)
    told = f"{oldest.name} against fresh: {verdict.reason}"
    return Finding(rule, verdict.outcome, told, verdict.code, bars=bars)


def spell_days(days: float) -> str:
    """Write an age as people read it.

    >>> spell_days(1.0), spell_days(28.0), spell_days(0.5)
    ('1 day', '28 days', '0.5 days')
    """
    return f"{days:.4g} {'day' if days == 1.0 else 'days'}"


def _check_ages(found: Staleness, policy: GateSection, limits: StalenessPolicy) -> None:
    if len(found.ages) < 2:  # noqa: PLR2004 - one of them is the fresh one
        raise NoEvidenceError(Code.EMPTY, f"{len(found.ages)} ages measured, needed 2: fresh and the horizon")
    horizon = _days_of(limits.horizon.total_seconds())
    first, last = found.ages[0].days, found.ages[-1].days
    if first != 0.0 or not math.isclose(last, horizon):
        reached = f"ages from {spell_days(first)} to {spell_days(last)}"
        raise NoEvidenceError(Code.ABSENT, f"{reached}, needed from 0 to the horizon, {spell_days(horizon)}")
    for aged in found.ages:
        if aged.answers is None or aged.training_blocks < policy.min_blocks:
            reason = f"{aged.name}: {aged.training_blocks} training blocks, {policy.min_blocks} needed; "
            raise NoEvidenceError(
                Code.TOO_FEW, f"{reason}bring older rows, ask for a shorter horizon, or raise rows"
            )


def _against_fresh(
    found: Staleness, evidence: GateEvidence, policy: GateSection
) -> Iterator[tuple[Aged, Measured]]:
    """Measure each age against the fresh one, the oldest first: it is the one that decides."""
    confidence = confidence_at_look(policy.confidence, evidence.recent.looks)
    fresh = found.ages[0].answers
    for aged in reversed(found.ages[1:]):
        if fresh is not None and aged.answers is not None:
            judged = replace(evidence.recent, challenger=aged.answers)
            at = judged.thresholds.get("challenger", HALF)
            yield aged, measure(judged, fresh, confidence, policy, "a fresh one", threshold=at)


def _bar(aged: Aged, excess: Interval, limit: float) -> Bar:
    return Bar(f"more lost when {aged.name}", excess.mean, excess.lower, excess.upper, limit)


def _days_of(seconds: float) -> float:
    return seconds / SECONDS_A_DAY
