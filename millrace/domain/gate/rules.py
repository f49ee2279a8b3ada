"""Which rules are there, and when is each asked?"""

from collections.abc import Callable
from dataclasses import dataclass

from millrace.domain.config import GateSection, Rule
from millrace.domain.gate.behaviour import judge_behaviour
from millrace.domain.gate.calibration import judge_calibration
from millrace.domain.gate.champion import judge_golden_best, judge_recent_champion
from millrace.domain.gate.cost import judge_cost
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.fairness import judge_fairness
from millrace.domain.gate.features import judge_features
from millrace.domain.gate.floors import judge_constant, judge_floors, judge_linear_baseline
from millrace.domain.gate.integrity import (
    judge_agreement,
    judge_finite,
    judge_golden_blocks,
    judge_golden_looks,
    judge_recent_blocks,
)
from millrace.domain.gate.leakage import judge_leakage
from millrace.domain.gate.reproducibility import judge_reproducibility
from millrace.domain.gate.robustness import judge_robustness
from millrace.domain.gate.simpler import judge_simpler
from millrace.domain.gate.slices import judge_slices
from millrace.domain.gate.stability import judge_stability
from millrace.domain.gate.staleness import judge_staleness
from millrace.domain.verdict import Verdict


@dataclass(frozen=True)
class GateRule:
    """A rule: a pure function of what was measured and the policy.

    It is asked once there is a champion where it `needs_champion`, and if the policy has its `section`.
    Answers that are no numbers leave every rule undecided but the one that tells whose they are.
    """

    judge: Callable[[GateEvidence, GateSection], Verdict]
    needs_champion: bool = False
    section: str = ""

    @property
    def question(self) -> str:
        """What it asks, as the first line of its docstring says."""
        return (self.judge.__doc__ or "").strip().partition("\n")[0]

    tells_odd_answers: bool = False


RULES: dict[Rule, GateRule] = {
    Rule.RECENT_CHAMPION: GateRule(judge_recent_champion, needs_champion=True),
    Rule.GOLDEN_BEST: GateRule(judge_golden_best, needs_champion=True),
    Rule.FLOORS: GateRule(judge_floors),
    Rule.CONSTANT: GateRule(judge_constant),
    Rule.LINEAR_BASELINE: GateRule(judge_linear_baseline),
    Rule.SLICES: GateRule(judge_slices, section="slices"),
    Rule.FAIRNESS: GateRule(judge_fairness, section="fairness"),
    Rule.SIMPLER: GateRule(judge_simpler, section="simpler"),
    Rule.LEAKAGE: GateRule(judge_leakage, section="leakage"),
    Rule.FEATURES: GateRule(judge_features, section="features"),
    Rule.COST: GateRule(judge_cost, section="cost"),
    Rule.STALENESS: GateRule(judge_staleness, section="staleness"),
    Rule.STABILITY: GateRule(judge_stability, section="stability"),
    Rule.REPRODUCIBILITY: GateRule(judge_reproducibility, section="reproducibility"),
    Rule.ROBUSTNESS: GateRule(judge_robustness, section="robustness"),
    Rule.CALIBRATION: GateRule(judge_calibration, section="calibration"),
    Rule.BEHAVIOUR: GateRule(judge_behaviour, section="behaviour"),
    Rule.AGREEMENT: GateRule(judge_agreement),
    Rule.FINITE: GateRule(judge_finite, tells_odd_answers=True),
    Rule.RECENT_BLOCKS: GateRule(judge_recent_blocks),
    Rule.GOLDEN_BLOCKS: GateRule(judge_golden_blocks),
    Rule.GOLDEN_LOOKS: GateRule(judge_golden_looks),
}
"""In the order in which they are told."""
