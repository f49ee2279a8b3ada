"""Features that know more and more, rows that are learned from and judged."""

import math
from dataclasses import replace

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.leakage import Alone, Knowing, Late, Leakage, Share
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good_trained import leakage
from tests.domain.judged import GOOD

HONEST = leakage(GOOD.recent)
LEAK = Alone("area", 0.1, 0.05, 0.15)


def seen(found: Leakage) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.LEAKAGE: found})


def alone(**changed: float | None) -> GateEvidence:
    return seen(replace(HONEST, alone=(replace(HONEST.alone[0], **changed), HONEST.alone[1])))  # type: ignore[arg-type]


CASES = [
    GateCase(
        "leakage",
        "of 2 features none is too good alone: at best area MAE 9, needed no better than 5; "
        "none knows the target by its name or its values; "
        "0 of 4,000 values of area (0.00%) were known too late, or nobody knows when, needed at most 1.00%; "
        "0 of 400 judged rows (0.00%) have the key of a training row, needed at most 1.00%; "
        "2.00% of the judged rows are equal to a training row, 2.50% of the training rows to one of another "
        "block, needed at most 1.00% more",
        (seen(leakage(GOOD.recent, 7.0)), seen(leakage(GOOD.recent, 5.5)), seen(leakage(GOOD.recent, 1.5))),
        alone(lower=None, upper=None),
        (
            alone(loss=math.nan),
            alone(lower=-math.inf),
            alone(loss=None, lower=None, upper=None),
            seen(replace(HONEST, alone=())),
            seen(replace(HONEST, alone=HONEST.alone[1:])),
            seen(replace(HONEST, rows=0)),
            seen(replace(HONEST, alone=(HONEST.alone[0], HONEST.alone[0]))),
            seen(replace(HONEST, late=())),
            seen(replace(HONEST, late=(Late("area", 0, 0),))),
            seen(replace(HONEST, late=(Late("area", 10, 11),))),
            seen(replace(HONEST, late=(Late("area", 10, -1),))),
            seen(replace(HONEST, late=(Late("area", 100, 2),))),
            seen(replace(HONEST, same_keys=5)),
            seen(replace(HONEST, same_keys=-1)),
            seen(replace(HONEST, same_keys=None)),
            seen(replace(HONEST, judged_rows=0)),
            seen(replace(HONEST, same_keys=401)),
            seen(replace(HONEST, knowing=(Knowing("area", "a code for the target"), HONEST.knowing[1]))),
            seen(replace(HONEST, knowing=())),
            seen(replace(HONEST, knowing=HONEST.knowing[:1])),
            seen(replace(HONEST, copied=Share(0.2, 0.1, 0.3))),
            seen(replace(HONEST, copied=Share(0.02, None, None))),
            seen(replace(HONEST, copied_by_chance=Share(math.nan, 0.0, 0.1))),
            seen(replace(HONEST, source=replace(HONEST.source, digest="f" * 64))),
        ),
    )
]
