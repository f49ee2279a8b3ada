"""Refits that are farther and farther apart."""

import math
from dataclasses import replace

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.stability import Stability
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good import stability
from tests.domain.judged import FEW_RECENT, GOOD

NEAR = stability(GOOD.recent, 0.1)


def unstable(found: Stability) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.STABILITY: found})


def with_odd(odd: float) -> GateEvidence:
    answers = NEAR.answers.copy()
    answers[2, 7] = odd
    return unstable(replace(NEAR, answers=answers))


CASES = [
    GateCase(
        "stability",
        "MAE of 5 refits deviates by 0.158 (95 % at most 0.375), needed at most 0.5; "
        "their answers to a row deviate by 0.158 (95 % at most 0.366), needed at most 0.5",
        tuple(unstable(stability(GOOD.recent, apart)) for apart in (0.12, 0.3, 1.0, 3.0)),
        FEW_RECENT,
        (
            with_odd(math.nan),
            with_odd(-math.inf),
            unstable(replace(NEAR, answers=np.empty((0, 200)))),
            unstable(replace(NEAR, answers=NEAR.answers[:1])),
            unstable(replace(NEAR, answers=NEAR.answers[:, :100])),
            unstable(replace(NEAR, answers=NEAR.answers[:4])),
            unstable(replace(NEAR, training_rows=-1)),
            unstable(stability(FEW_RECENT.recent, 0.1)),
        ),
    )
]
