"""Judging: what the gate looks at is measured here, and `millrace.domain.gate` decides."""

from millrace.steps.gate.comparing import Compared, answer_rows
from millrace.steps.gate.judging import judge_challenger, list_judged, losses_of

__all__ = ["Compared", "answer_rows", "judge_challenger", "list_judged", "losses_of"]
