"""A challenger that is worth less and less for its size."""

import math
from dataclasses import replace

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.simpler import Simpler
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good_trained import weighed
from tests.domain.judged import FEW_RECENT, GOOD, on_recent

LARGE = weighed(GOOD.recent)


def beside(found: Simpler) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.SIMPLER: found})


def refitted(answers: np.ndarray) -> GateEvidence:
    assert LARGE.previous is not None
    return beside(replace(LARGE, previous=replace(LARGE.previous, answers=answers)))


CASES = [
    GateCase(
        "simpler",
        "on one answer for all: MAE 1 against 149.5, gain 148 (97.5 % at least 120), needed more than 0.1; "
        "on the linear model: MAE 1 against 3, gain 2 (97.5 % at least 2), needed more than 0.1; "
        "on the champion's random_forest, fitted again: MAE 1 against 2.5, gain 1.5 (97.5 % at least 1.5), "
        "needed more than 0.1",
        on_recent(2.0, 2.45, 2.95),
        FEW_RECENT,
        (
            refitted(np.full(200, math.nan)),
            refitted(GOOD.recent.labels[1:]),
            refitted(np.empty(0)),
            beside(replace(LARGE, previous=None)),
            beside(replace(LARGE, scorer_bytes=0)),
            beside(replace(LARGE, baseline_bytes=0)),
            beside(replace(LARGE, scorer_bytes=-1)),
            beside(replace(LARGE, source=replace(LARGE.source, run_key="another run"))),
        ),
    )
]
