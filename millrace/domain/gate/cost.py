"""What does an answer of the challenger cost, by itself and against the champion?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from millrace.domain.config import CostPolicy, GateSection, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.gate.parts import join_parts
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Outcome, Verdict

MEGABYTE = 1_000_000


@dataclass(frozen=True, eq=False)
class BundleCost:
    """What a bundle costs: milliseconds of many answers to one row and to 1,000, its size, its memory.

    `memory_bytes` is what a fresh process needs more once it has answered; None where it was not asked for.
    """

    one: FloatArray
    thousand: FloatArray
    disk_bytes: int
    memory_bytes: int | None = None


@dataclass(frozen=True, eq=False)
class Cost(Measurement):
    """The costs of challenger and champion, measured in turns: number by number at nearly the same time."""

    challenger: BundleCost
    champion: BundleCost | None


@dataclass(frozen=True)
class Middle:
    """The median of many measurements, with a one-sided bound on either side; None where they are too few."""

    value: float
    lower: float | None
    upper: float | None


def judge_cost(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger's times, size and memory against fixed limits, and against the champion's.

    Times are noise on a busy machine: a limit is kept only if the bound of the median keeps it, missed only
    if the other bound misses it. Ratios are of pairs that were measured one after the other, so what slows
    the machine slows both. The limits of ratios are not asked while there is no champion.

    References
    ----------
    Distribution-free bounds of a median: Conover, *Practical Nonparametric Statistics* (1999), section 3.2.
    """
    found = evidence.find(Rule.COST, Cost)
    limits = asked_of(policy.cost, Rule.COST)
    if evidence.champion_digest is not None and found.champion is None and _has_ratio(limits):
        raise NoEvidenceError(Code.ABSENT, "the champion was not measured beside it")
    for who, cost in (("challenger", found.challenger), ("champion", found.champion)):
        _check(who, cost)
    parts = [*_judge_alone(found.challenger, limits, policy.confidence)]
    if found.champion is not None:
        parts += _judge_against(found.challenger, found.champion, limits, policy.confidence)
    if parts:
        return join_parts(Rule.COST, parts)
    reason = "there is no champion yet, and [gate.cost] has no limit for a bundle by itself"
    return Verdict(Rule.COST, Outcome.PASS, reason, Code.NOT_ASKED)


def median_of(values: FloatArray, confidence: float) -> Middle:
    """Return the median with its bounds, whatever the numbers are spread like.

    >>> median_of(np.arange(101.0), 0.95)
    Middle(value=50.0, lower=41.0, upper=59.0)
    """
    from scipy.stats import quantile_test

    middle = float(np.median(values))
    # each bound at the confidence by itself
    found = quantile_test(values, q=middle, p=0.5).confidence_interval(2.0 * confidence - 1.0)
    lower, upper = (float(bound) if math.isfinite(bound) else None for bound in (found.low, found.high))
    return Middle(middle, lower, upper)


def _has_ratio(limits: CostPolicy) -> bool:
    ratios = (limits.max_latency_ratio, limits.max_size_ratio, limits.max_memory_ratio)
    return any(ratio is not None for ratio in ratios)


def _check(who: str, cost: BundleCost | None) -> None:
    if cost is None:
        return
    for times in (cost.one, cost.thousand):
        if times.ndim != 1 or not (times > 0.0).all():
            raise NoEvidenceError(Code.NEGATIVE, f"a time of the {who} of 0 ms or less was measured")
    if not cost.disk_bytes or cost.memory_bytes == 0:
        raise NoEvidenceError(Code.EMPTY, f"0 bytes of the {who} were measured")


def _judge_alone(cost: BundleCost, limits: CostPolicy, confidence: float) -> Iterator[Finding]:
    for name, times, limit in (
        ("one row", cost.one, limits.max_milliseconds_one),
        ("1,000 rows", cost.thousand, limits.max_milliseconds_thousand),
    ):
        if limit is not None:
            yield _judge_middle(name, median_of(times, confidence), limit, "ms")
    if limits.max_megabytes is not None:
        yield _judge_number("on disk", cost.disk_bytes / MEGABYTE, limits.max_megabytes, "MB")
    if limits.max_memory_megabytes is not None:
        memory = _memory("challenger", cost) / MEGABYTE
        yield _judge_number("in memory", memory, limits.max_memory_megabytes, "MB")


def _judge_against(
    cost: BundleCost, champion: BundleCost, limits: CostPolicy, confidence: float
) -> Iterator[Finding]:
    if (limit := limits.max_latency_ratio) is not None:
        for name, times, theirs in (
            ("one row", cost.one, champion.one),
            ("1,000 rows", cost.thousand, champion.thousand),
        ):
            if times.shape != theirs.shape:
                raise NoEvidenceError(Code.UNCOMPARABLE, f"{times.size} times beside {theirs.size}, no pairs")
            yield _judge_middle(name, median_of(times / theirs, confidence), limit, "times the champion")
    if (limit := limits.max_size_ratio) is not None:
        yield _judge_number("on disk", cost.disk_bytes / champion.disk_bytes, limit, "times the champion")
    if (limit := limits.max_memory_ratio) is not None:
        ratio = _memory("challenger", cost) / _memory("champion", champion)
        yield _judge_number("in memory", ratio, limit, "times the champion")


def _memory(who: str, cost: BundleCost) -> int:
    if cost.memory_bytes is None:
        raise NoEvidenceError(Code.ABSENT, f"the memory of the {who} was not measured")
    return cost.memory_bytes


def _judge_middle(name: str, middle: Middle, limit: float, unit: str) -> Finding:
    found, needed = f"{name}: {middle.value:.3g} {unit}", f"needed at most {limit:g}"
    bars = (Bar(f"{name}, {unit}", middle.value, middle.lower, middle.upper, limit=limit),)
    if middle.lower is None or middle.upper is None:
        reason = f"{found}, too few measurements for bounds, {needed}"
        return Finding(Rule.COST, Outcome.INCONCLUSIVE, reason, Code.TOO_FEW, bars=bars)
    if middle.upper <= limit:
        reason = f"{found} (at most {middle.upper:.3g}), {needed}"
        return Finding(Rule.COST, Outcome.PASS, reason, Code.CLEARED, bars=bars)
    if middle.lower > limit:
        reason = f"{found} (at least {middle.lower:.3g}), {needed}"
        return Finding(Rule.COST, Outcome.FAIL, reason, Code.MISSED, bars=bars)
    reason = f"{found} ({middle.lower:.3g} to {middle.upper:.3g}), {needed}"
    return Finding(Rule.COST, Outcome.INCONCLUSIVE, reason, Code.UNSURE, bars=bars)


def _judge_number(name: str, value: float, limit: float, unit: str) -> Finding:
    outcome = Outcome.PASS if value <= limit else Outcome.FAIL
    reason = f"{name}: {value:.3g} {unit}, needed at most {limit:g}"
    return Finding(Rule.COST, outcome, reason, bars=(Bar(f"{name}, {unit}", value, limit=limit),))
