"""Which bar must a challenger clear, and in which metric?"""

from millrace.domain.config.gate.metric import METRICS_OF, Metric
from millrace.domain.config.gate.rule import Rule
from millrace.domain.config.gate.section import Comparison, GateSection

__all__ = ["METRICS_OF", "Comparison", "GateSection", "Metric", "Rule"]
