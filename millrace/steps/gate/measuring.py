"""What is measured for the rules that look at more than losses on the judged sets?"""

import subprocess
from collections.abc import Callable

from millrace.domain.config import Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.measurement import Measurement, NoEvidenceError, NotMeasured
from millrace.domain.gate.rules import RULES
from millrace.steps.gate.behaviour import measure_behaviour
from millrace.steps.gate.case import Case
from millrace.steps.gate.cost import measure_cost
from millrace.steps.gate.features import measure_features
from millrace.steps.gate.leakage import measure_leakage
from millrace.steps.gate.reproducibility import measure_reproducibility
from millrace.steps.gate.robustness import measure_robustness
from millrace.steps.gate.simpler import measure_simpler
from millrace.steps.gate.stability import measure_stability
from millrace.steps.gate.staleness import measure_staleness
from millrace.steps.progress import announce
from millrace.steps.telling import tell_error

__all__ = ["MEASURERS", "Case", "measure_rules"]

Measurer = Callable[[Case], Measurement]

MEASURERS: dict[Rule, Measurer] = {
    Rule.ROBUSTNESS: measure_robustness,
    Rule.BEHAVIOUR: measure_behaviour,
    Rule.SIMPLER: measure_simpler,
    Rule.LEAKAGE: measure_leakage,
    Rule.FEATURES: measure_features,
    Rule.COST: measure_cost,
    Rule.STALENESS: measure_staleness,
    Rule.STABILITY: measure_stability,
    Rule.REPRODUCIBILITY: measure_reproducibility,
}
"""What measures for a rule; it is asked where the rule is, and may raise: then there is no measurement."""


def measure_rules(case: Case) -> dict[Rule, Measurement | NotMeasured]:
    """Measure for each rule that the policy asks for; one that breaks leaves the others alone."""
    asked = [rule for rule in MEASURERS if _is_asked(rule, case)]
    measured: dict[Rule, Measurement | NotMeasured] = {}
    for done, rule in enumerate(asked):
        announce(f"gate: {rule.replace('_', ' ')}", done, len(asked))
        measured[rule] = _measure(rule, case)
    return measured


def _is_asked(rule: Rule, case: Case) -> bool:
    known = RULES[rule]
    has_section = not known.section or getattr(case.config.gate, known.section) is not None
    return has_section and (not known.needs_champion or case.compared.champion is not None)


def _measure(rule: Rule, case: Case) -> Measurement | NotMeasured:
    try:
        return MEASURERS[rule](case)
    except NoEvidenceError as error:
        return NotMeasured(error.reason, error.code)
    except subprocess.TimeoutExpired as error:
        return NotMeasured(f"it took longer than {error.timeout:g} s", Code.TIMEOUT)
    except Exception as error:  # noqa: BLE001 - whatever breaks, a user's own code too, is no evidence
        return NotMeasured(" ".join(tell_error(case.config, error).split()))
