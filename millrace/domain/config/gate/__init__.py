"""Which bar must a challenger clear, and in which metric?"""

from millrace.domain.config.gate.cost import CostPolicy
from millrace.domain.config.gate.fairness import FairnessPolicy
from millrace.domain.config.gate.features import FeaturesPolicy
from millrace.domain.config.gate.leakage import LeakagePolicy
from millrace.domain.config.gate.metric import (
    FOLLOWED_BY,
    HIGHER_IS_BETTER,
    METRICS_OF,
    USUAL_METRIC,
    Metric,
    followed_metric,
)
from millrace.domain.config.gate.reproducibility import ReproducibilityPolicy
from millrace.domain.config.gate.rule import Rule
from millrace.domain.config.gate.section import Comparison, GateSection
from millrace.domain.config.gate.simpler import SimplerPolicy
from millrace.domain.config.gate.slices import SlicesPolicy
from millrace.domain.config.gate.stability import StabilityPolicy
from millrace.domain.config.gate.staleness import StalenessPolicy

__all__ = [
    "FOLLOWED_BY",
    "HIGHER_IS_BETTER",
    "METRICS_OF",
    "USUAL_METRIC",
    "Comparison",
    "CostPolicy",
    "FairnessPolicy",
    "FeaturesPolicy",
    "GateSection",
    "LeakagePolicy",
    "Metric",
    "ReproducibilityPolicy",
    "Rule",
    "SimplerPolicy",
    "SlicesPolicy",
    "StabilityPolicy",
    "StalenessPolicy",
    "followed_metric",
]
