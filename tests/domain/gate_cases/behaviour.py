"""Tests of the user's own that fail, break, or are not there."""

from dataclasses import replace

from millrace.domain.config import Rule
from millrace.domain.gate.behaviour import Behaviour, OddTest
from millrace.domain.gate.evidence import GateEvidence
from tests.domain.gate_cases.case import GateCase
from tests.domain.judged import GOOD

ODD = OddTest("test_it::test_that", "it answers 3")
WELL = Behaviour(GOOD.recent.source, 3, 1, (), (), 0)


def told_of(found: Behaviour) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.BEHAVIOUR: found})


CASES = [
    GateCase(
        "behaviour",
        "all 3 tests passed, 1 skipped",
        (
            told_of(replace(WELL, broken=(ODD,), exit_code=1)),
            told_of(replace(WELL, failed=(ODD,), exit_code=1)),
            told_of(replace(WELL, failed=(ODD,), broken=(ODD,), exit_code=1)),
        ),
        told_of(Behaviour(GOOD.recent.source, 0, 2, (), (), 0)),
        (
            told_of(replace(WELL, passed=-1)),
            told_of(replace(WELL, passed=0, skipped=0, exit_code=5)),
            told_of(replace(WELL, broken=(ODD,))),
            told_of(replace(WELL, exit_code=1)),
            told_of(replace(WELL, exit_code=-9)),
            told_of(replace(WELL, failed=(ODD, ODD))),
            told_of(replace(WELL, source=replace(WELL.source, run_key="another run"))),
            told_of(replace(WELL, source=replace(WELL.source, rows="other rows"))),
        ),
    )
]
