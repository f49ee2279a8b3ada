"""Answers that hold less and less when rows are a little otherwise."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.tried import Alike, Change, Extreme, Robustness, Steps
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good import robustness
from tests.domain.judged import FEW_RECENT, GOOD

HOLDS = robustness(GOOD.recent)
assert HOLDS.attack is not None


def tried(found: Robustness) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.ROBUSTNESS: found})


def but(**parts: Any) -> GateEvidence:
    """Return that all holds but for these parts."""
    return tried(replace(HOLDS, **parts))


def changed(name: str, **parts: Any) -> GateEvidence:
    """Return that all holds but for one change."""
    return but(changes=tuple(replace(one, **parts) if one.name == name else one for one in HOLDS.changes))


def attacked(share: float) -> GateEvidence:
    """Return that another decision was found near this share of the rows, in every block alike."""
    found = (np.arange(200) % 10 < 10 * share).astype(np.intp)
    return but(attack=replace(HOLDS.attack, found=found))  # type: ignore[type-var]


def with_odd(odd: float) -> GateEvidence:
    answers = GOOD.recent.challenger.copy()
    answers[7] = odd
    return changed("noise", answers=answers)


CASES = [
    GateCase(
        "robustness",
        "200 rows are answered the same with float32; all 20 answers to extreme values are finite; "
        "noise of 0.1 in 2 features: MAE 1.1 against 1, gain -0.1 (97.5 % at least -0.1), needed at least "
        "-0.5; missing of 0.1 in 2 features: MAE 1.1 against 1, gain -0.1 (97.5 % at least -0.1), needed at "
        "least -0.5; a rising: 5 of 1000 steps (0.50%) go the wrong way, by 0.5 at most, 1.00% allowed; "
        "attack: 20 of 200 rows (10.0%, 10.0% to 15.0%) are decided otherwise within 0.1 of each spread and "
        "50 queries, 20.0% allowed; unknown: nothing to ask, no feature may have a category that nobody has "
        "seen",
        (attacked(0.2), tried(robustness(GOOD.recent, 0.6)), but(alike=(Alike("float32", 200, 2, 1),))),
        FEW_RECENT,
        (
            with_odd(math.nan),
            with_odd(math.inf),
            changed("noise", answers=None),
            changed("noise", answers=None, odd=1),
            changed("noise", odd=-1),
            changed("noise", answers=GOOD.recent.challenger[:100]),
            but(changes=()),
            but(changes=HOLDS.changes[:1]),
            but(changes=(HOLDS.changes[0], HOLDS.changes[0])),
            but(changes=(*HOLDS.changes, Change("noise", 0, 0, None))),
            but(alike=()),
            but(alike=(Alike("float32", 0, 2, 0),)),
            but(alike=(Alike("float32", 200, 0, 0),)),
            but(alike=(Alike("float32", 200, 2, -1),)),
            but(extremes=(Extreme("a = 9", 0, 0),)),
            but(extremes=(Extreme("a = 9", 20, 1),)),
            but(extremes=()),
            but(extremes=(*HOLDS.extremes, Extreme("a = -9", 20, 0))),
            changed("noise", columns=0, answers=None),
            changed("missing", columns=0, answers=None),
            changed("missing", columns=1),
            changed("unknown", columns=3),
            but(attack=replace(HOLDS.attack, columns=0)),
            but(attack=replace(HOLDS.attack, columns=1)),
            but(monotone=()),
            but(monotone=(Steps("a", 0, 0, 0.0),)),
            but(monotone=(Steps("a", 100, 0, math.nan),)),
            but(monotone=(Steps("a", 100, -1, 0.0),)),
            but(attack=None),
            but(attack=replace(HOLDS.attack, found=np.zeros(100, dtype=np.intp))),  # type: ignore[type-var]
            but(attack=replace(HOLDS.attack, positions=np.zeros(200, dtype=np.intp))),  # type: ignore[type-var]
            but(positions=np.arange(200) + 1),
            but(positions=np.arange(200) // 2),
            but(positions=np.array([0, 0, *range(2, 200)])),
            but(positions=np.arange(200) - 1),
            but(positions=np.empty(0, dtype=np.intp)),
            but(source=replace(HOLDS.source, run_key="another run")),
            but(source=replace(HOLDS.source, digest="f" * 64)),
            but(source=replace(HOLDS.source, rows="other rows")),
        ),
    )
]
