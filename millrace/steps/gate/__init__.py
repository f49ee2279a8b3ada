"""Judging: what the gate looks at is measured here, and `millrace.domain.gate` decides."""

from millrace.steps.gate.comparing import Compared, Marks, answer_rows
from millrace.steps.gate.judging import judge_challenger
from millrace.steps.gate.losses import losses_of
from millrace.steps.gate.own_loss import find_own_loss, name_terms

__all__ = [
    "Compared",
    "Marks",
    "answer_rows",
    "find_own_loss",
    "judge_challenger",
    "losses_of",
    "name_terms",
]
