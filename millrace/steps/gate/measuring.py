"""What is measured for the rules that look at more than losses on the judged sets?"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from millrace.domain.config import ModelConfig, Rule
from millrace.domain.facts import ChallengerTrained
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.measurement import Measurement, NotMeasured, Source
from millrace.domain.gate.rules import RULES
from millrace.steps.gate.comparing import Compared
from millrace.steps.progress import announce
from millrace.steps.rows import LabelledRows, SplitRows


@dataclass(frozen=True, eq=False)
class Case:
    """A challenger before the gate: its bundle and those it is compared with, opened, and all rows."""

    config: ModelConfig
    split: SplitRows
    compared: Compared
    trained: ChallengerTrained
    evidence: GateEvidence

    @cached_property
    def recent(self) -> LabelledRows:
        """The rows of `evidence.recent`, in its order."""
        return self.split.recent.without_blocks(self.compared.learned_blocks)

    @cached_property
    def golden(self) -> LabelledRows:
        """The rows of `evidence.golden`, in its order."""
        return self.split.golden.without_blocks(self.compared.learned_blocks)

    @property
    def on_recent(self) -> Source:
        return self.evidence.expected[0]

    @property
    def on_golden(self) -> Source:
        return self.evidence.expected[1]


Measurer = Callable[[Case], Measurement]

MEASURERS: dict[Rule, Measurer] = {}
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
    except subprocess.TimeoutExpired as error:
        return NotMeasured(f"it took longer than {error.timeout:g} s", Code.TIMEOUT)
    except Exception as error:  # noqa: BLE001 - whatever breaks, a user's own code too, is no evidence
        return NotMeasured(" ".join(f"{type(error).__name__}: {error}".split()))
