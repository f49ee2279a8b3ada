"""Which rules does the gate have?"""

from enum import StrEnum


class Rule(StrEnum):
    """The name of a rule; the rule itself stands in `millrace.domain.gate.rules`."""

    RECENT_CHAMPION = "recent_champion"
    GOLDEN_BEST = "golden_best"
    FLOORS = "floors"
    CONSTANT = "constant"
    LINEAR_BASELINE = "linear_baseline"
    SLICES = "slices"
    FAIRNESS = "fairness"
    SIMPLER = "simpler"
    LEAKAGE = "leakage"
    FEATURES = "features"
    COST = "cost"
    STALENESS = "staleness"
    STABILITY = "stability"
    REPRODUCIBILITY = "reproducibility"
    ROBUSTNESS = "robustness"
    CALIBRATION = "calibration"
    BEHAVIOUR = "behaviour"
    AGREEMENT = "agreement"
    FINITE = "finite"
    RECENT_BLOCKS = "recent_blocks"
    GOLDEN_BLOCKS = "golden_blocks"
    GOLDEN_LOOKS = "golden_looks"
