"""What may a `model.toml` say? Frozen, strict, and without a default for any policy."""

from millrace.domain.config.data import ColumnContract, ContractSection, FormatSection, SqlSection
from millrace.domain.config.gate import METRICS_OF, Comparison, GateSection, Metric, Rule
from millrace.domain.config.model import ModelConfig
from millrace.domain.config.monitoring import (
    ColumnTest,
    DriftSection,
    DriftTest,
    HealthSection,
    MonitorSection,
    PerformanceSection,
)
from millrace.domain.config.operation import CheckSection, RetrainSection
from millrace.domain.config.training import SearchPolicy, ThresholdPolicy

__all__ = [
    "METRICS_OF",
    "CheckSection",
    "ColumnContract",
    "ColumnTest",
    "Comparison",
    "ContractSection",
    "DriftSection",
    "DriftTest",
    "FormatSection",
    "GateSection",
    "HealthSection",
    "Metric",
    "ModelConfig",
    "MonitorSection",
    "PerformanceSection",
    "RetrainSection",
    "Rule",
    "SearchPolicy",
    "SqlSection",
    "ThresholdPolicy",
]
