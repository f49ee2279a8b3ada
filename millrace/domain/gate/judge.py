"""May the challenger replace the champion?"""

from collections.abc import Callable
from dataclasses import dataclass

from millrace.domain.config import GateSection
from millrace.domain.gate.champion import judge_golden_best, judge_recent_champion
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.floors import judge_constant, judge_floors, judge_linear_baseline
from millrace.domain.gate.integrity import (
    judge_agreement,
    judge_finite,
    judge_golden_blocks,
    judge_golden_looks,
    judge_recent_blocks,
)
from millrace.domain.verdict import Outcome, Verdict, worst_of
from millrace.errors import MillraceError

Rule = Callable[[GateEvidence, GateSection], Verdict]

CHAMPION_RULES: dict[str, Rule] = {
    "recent_champion": judge_recent_champion,
    "golden_best": judge_golden_best,
}
"""Asked once there is a champion."""

EVERY_TIME_RULES: dict[str, Rule] = {
    "floors": judge_floors,
    "constant": judge_constant,
    "linear_baseline": judge_linear_baseline,
    "agreement": judge_agreement,
    "finite": judge_finite,
    "recent_blocks": judge_recent_blocks,
    "golden_blocks": judge_golden_blocks,
    "golden_looks": judge_golden_looks,
}
"""Asked of every challenger, the first model ever too."""

RULES = CHAMPION_RULES | EVERY_TIME_RULES


@dataclass(frozen=True)
class Judgement:
    """What the gate says about a challenger; `reason` names the rule that decided."""

    outcome: Outcome
    reason: str
    verdicts: tuple[Verdict, ...]


def judge_challenger(evidence: GateEvidence, policy: GateSection) -> Judgement:
    """Judge a challenger by every rule that applies to it; the worst verdict is the gate's.

    A rule that cannot be computed is inconclusive, with the error as its reason.
    """
    asked = RULES if evidence.champion_digest is not None else EVERY_TIME_RULES
    verdicts = tuple(judge_rule(name, evidence, policy) for name in asked)
    deciding = worst_of(verdicts)
    return Judgement(deciding.outcome, f"{deciding.rule}: {deciding.reason}", verdicts)


def judge_rule(name: str, evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge by one rule; what it cannot compute is inconclusive, never a pass."""
    try:
        return RULES[name](evidence, policy)
    except (MillraceError, ArithmeticError, ValueError, IndexError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Verdict(name, Outcome.INCONCLUSIVE, reason)
