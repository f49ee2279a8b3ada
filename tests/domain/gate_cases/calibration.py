"""Answers that are farther and farther from what comes."""

from dataclasses import replace

from tests.domain.gate_cases.case import GateCase
from tests.domain.judged import (
    FEW_GOLDEN,
    GOOD,
    evidence,
    nan_on_golden,
    nan_on_recent,
    off_by,
    on_recent,
)

CASES = [
    GateCase(
        "calibration",
        "recent: mean distance 1 (1 to 1 but for chance), 10 allowed; "
        "recent harm: -1 more (-1 to -1) than the champion's 2, 8.5 allowed; "
        "golden: mean distance 1 (1 to 1 but for chance), 10 allowed; "
        "golden harm: -1 more (-1 to -1) than the champion's 2, 8.5 allowed",
        (*on_recent(9.0, 10.4, 10.6), evidence(golden=off_by(12.0))),
        FEW_GOLDEN,
        (
            *nan_on_recent("labels", "challenger", "champion"),
            *nan_on_golden("labels", "challenger", "champion"),
            replace(GOOD, recent=replace(GOOD.recent, champion=None)),
            replace(GOOD, recent=replace(GOOD.recent, challenger=GOOD.recent.challenger[:100])),
        ),
    )
]
