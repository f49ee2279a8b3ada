"""Does the challenger do what the tests in the model's folder ask of it?"""

from dataclasses import dataclass

from millrace.domain.config import GateSection, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement
from millrace.domain.verdict import Outcome, Verdict

RULE = Rule.BEHAVIOUR


@dataclass(frozen=True)
class OddTest:
    """One test that did not pass, and the first line of why."""

    name: str
    why: str


@dataclass(frozen=True)
class Behaviour(Measurement):
    """What the tests said; `broken` are those that could not be asked, `exit_code` is pytest's own."""

    passed: int
    skipped: int
    failed: tuple[OddTest, ...]
    broken: tuple[OddTest, ...]
    exit_code: int


def judge_behaviour(evidence: GateEvidence, _policy: GateSection) -> Verdict:
    """Judge the challenger by the user's own tests: one that fails refuses it.

    A test that could not be asked, none at all, and nothing but skipped ones tell nothing, and are no pass.
    """
    found = evidence.find(RULE, Behaviour)
    asked = found.passed + len(found.failed)
    bars = (Bar("tests failed", float(len(found.failed)), limit=0.0),)
    also = f", {found.skipped} skipped" if found.skipped else ""
    if found.failed:
        reason = f"{len(found.failed)} of {asked} tests failed{also}: {_told(found.failed)}"
        return Finding(RULE, Outcome.FAIL, reason, bars=bars)
    if found.broken:
        reason = f"{len(found.broken)} tests could not be asked, {asked} passed{also}: {_told(found.broken)}"
        return Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.ERROR)
    if not asked:
        code = Code.TOO_FEW if found.skipped else Code.EMPTY
        return Finding(RULE, Outcome.INCONCLUSIVE, f"0 tests were asked{also}, 1 needed", code)
    if found.exit_code:
        reason = f"{asked} tests passed{also}, but pytest ended with {found.exit_code}, 0 needed"
        return Finding(RULE, Outcome.INCONCLUSIVE, reason, Code.ERROR)
    return Finding(RULE, Outcome.PASS, f"all {asked} tests passed{also}", bars=bars)


def _told(tests: tuple[OddTest, ...]) -> str:
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"{tests[0].name} ({tests[0].why}){more}"
