"""A second training that ends in another scorer."""

import math
from dataclasses import replace

from millrace.domain.config import Rule
from millrace.domain.facts import Reproduction
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.reproducibility import TrainedAgain
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good import trained_again
from tests.domain.judged import GOOD

SAME = trained_again(GOOD.recent)
OTHER = replace(SAME, found="6" * 64, result=Reproduction.DIFFERS, rows=200, differing_rows=3, apart_rows=2)


def again(found: TrainedAgain) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.REPRODUCIBILITY: found})


CASES = [
    GateCase(
        "reproducibility",
        "scorer.onnx is the same byte for byte, 555555555555",
        (again(OTHER), again(replace(OTHER, differing_rows=200, apart_rows=200, largest_difference=1.0))),
        again(replace(OTHER, rows=0, differing_rows=0, apart_rows=0)),
        (
            again(replace(OTHER, largest_difference=math.nan)),
            again(replace(OTHER, largest_difference=math.inf)),
            again(replace(OTHER, rows=-200)),
            again(replace(OTHER, differing_rows=-1)),
            again(replace(OTHER, differing_rows=201)),
            again(replace(OTHER, result=Reproduction.SAME_ANSWERS)),
            again(replace(OTHER, found="")),
            again(replace(SAME, found="6" * 64)),
            again(replace(OTHER, found="5" * 64)),
            again(replace(SAME, source=replace(SAME.source, run_key="another run"))),
        ),
    )
]
