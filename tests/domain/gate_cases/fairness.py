"""Groups that are treated more and more differently."""

from millrace.domain.config import Rule
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.slices import FEW, on_left, ungrouped
from tests.domain.judged import nan_on_golden, nan_on_recent

CASES = [
    GateCase(
        "fairness",
        "1 of 1 limits kept, nearest mean absolute error, relative differs by 0 (97.5 % at most 0) between "
        "side=left and side=right, needed at most 0.5",
        tuple(on_left(offset) for offset in (1.3, 1.5, 2.0, 4.0)),
        FEW,
        (
            *nan_on_recent("labels", "challenger"),
            *nan_on_golden("labels", "challenger"),
            *ungrouped(Rule.FAIRNESS),
        ),
    )
]
