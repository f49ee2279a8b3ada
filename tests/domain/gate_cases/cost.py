"""A challenger that is slower and slower, and larger."""

import math
from dataclasses import replace

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.cost import BundleCost, Cost
from millrace.domain.gate.evidence import GateEvidence
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good_trained import TURNS, bundle_cost, costs
from tests.domain.judged import GOOD

CHEAP = costs(GOOD.recent)


def priced(found: Cost) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.COST: found})


def of_challenger(cost: BundleCost) -> GateEvidence:
    return priced(replace(CHEAP, challenger=cost))


CASES = [
    GateCase(
        "cost",
        "one row: 1 ms (at most 1.03), needed at most 5; "
        "1,000 rows: 10 ms (at most 10.3), needed at most 50; "
        "on disk: 2 MB, needed at most 10; "
        "in memory: 30 MB, needed at most 200; "
        "one row: 1 times the champion (at most 1), needed at most 1.5; "
        "1,000 rows: 1 times the champion (at most 1), needed at most 1.5; "
        "on disk: 1 times the champion, needed at most 2; "
        "in memory: 1 times the champion, needed at most 2",
        (priced(costs(GOOD.recent, 1.4)), priced(costs(GOOD.recent, 1.6)), priced(costs(GOOD.recent, 10.0))),
        priced(costs(GOOD.recent, 1.0, turns=3)),
        (
            of_challenger(replace(bundle_cost(), one=np.full(TURNS, math.nan))),
            of_challenger(replace(bundle_cost(), thousand=np.full(TURNS, math.inf))),
            of_challenger(replace(bundle_cost(), one=np.zeros(TURNS))),
            of_challenger(replace(bundle_cost(), one=np.full(TURNS, -1.0))),
            of_challenger(replace(bundle_cost(), one=np.empty(0))),
            of_challenger(replace(bundle_cost(), one=np.ones(TURNS - 1))),
            of_challenger(replace(bundle_cost(), disk_bytes=0)),
            of_challenger(replace(bundle_cost(), disk_bytes=-1)),
            of_challenger(replace(bundle_cost(), memory_bytes=None)),
            priced(replace(CHEAP, champion=None)),
            priced(replace(CHEAP, champion=replace(bundle_cost(), memory_bytes=0))),
            priced(replace(CHEAP, source=replace(CHEAP.source, digest="f" * 64))),
        ),
    )
]
