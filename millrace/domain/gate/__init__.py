"""The gate: rules that turn measurements and a policy into a verdict."""

from millrace.domain.gate.judge import Judgement, judge_challenger

__all__ = ["Judgement", "judge_challenger"]
