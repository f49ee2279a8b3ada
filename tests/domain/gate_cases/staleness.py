"""Refits that lose more the older they are."""

import math
from dataclasses import replace

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.staleness import Staleness
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good import staleness
from tests.domain.judged import FEW_RECENT, GOOD

FRESH = staleness(GOOD.recent, 0.0, 0.25, 0.5)


def stale(found: Staleness) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.STALENESS: found})


def uneven(low: float, high: float) -> GateEvidence:
    """Return refits whose oldest loses so much more, on every second block each."""
    *younger, oldest = FRESH.ages
    by_block = np.where(GOOD.recent.block_positions % 2 == 0, low, high)
    answers = GOOD.recent.labels + 1.0 + by_block
    return stale(replace(FRESH, ages=(*younger, replace(oldest, answers=answers))))


def with_odd(odd: float) -> GateEvidence:
    fresh, *older = FRESH.ages
    assert fresh.answers is not None
    answers = fresh.answers.copy()
    answers[7] = odd
    return stale(replace(FRESH, ages=(replace(fresh, answers=answers), *older)))


CASES = [
    GateCase(
        "staleness",
        "28 days old against fresh: MAE 1.5 against 1, gain -0.5 (97.5 % at least -0.5), needed at least "
        "-0.75",
        (stale(staleness(GOOD.recent, 0.0, 0.7)), uneven(0.5, 0.9), stale(staleness(GOOD.recent, 0.0, 0.8))),
        FEW_RECENT,
        (
            with_odd(math.nan),
            with_odd(math.inf),
            stale(replace(FRESH, data_days=math.nan)),
            stale(replace(FRESH, data_days=math.inf)),
            stale(replace(FRESH, ages=())),
            stale(replace(FRESH, ages=FRESH.ages[:1])),
            stale(replace(FRESH, ages=(FRESH.ages[0], FRESH.ages[0]))),
            stale(replace(FRESH, ages=FRESH.ages[1:])),
            stale(replace(FRESH, ages=FRESH.ages[:2])),
            stale(replace(FRESH, ages=tuple(replace(one, answers=None) for one in FRESH.ages))),
            stale(replace(FRESH, ages=tuple(replace(one, training_rows=-1) for one in FRESH.ages))),
            stale(staleness(GOOD.recent, 0.0, 0.25, 0.5, blocks=13)),
            stale(staleness(FEW_RECENT.recent, 0.0, 0.25, 0.5)),
        ),
    )
]
