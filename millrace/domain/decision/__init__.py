"""Is a retraining due, and may it start?"""

from millrace.domain.decision.decide import Decision, answers, decide, is_final, run_key
from millrace.domain.decision.detection import (
    Detection,
    find_failed_try,
    list_open_detections,
    tell_decay,
    tell_drift,
)
from millrace.domain.decision.facts import DecisionFacts, Reason
from millrace.domain.decision.period import decides_period
from millrace.domain.decision.rules import CONTRACT

__all__ = [
    "CONTRACT",
    "Decision",
    "DecisionFacts",
    "Detection",
    "Reason",
    "answers",
    "decide",
    "decides_period",
    "find_failed_try",
    "is_final",
    "list_open_detections",
    "run_key",
    "tell_decay",
    "tell_drift",
]
