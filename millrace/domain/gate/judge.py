"""May the challenger replace the champion?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from millrace.domain.config import GateSection, Rule
from millrace.domain.gate.code import USUAL, Code
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.gate.rules import RULES, GateRule
from millrace.domain.gate.soundness import find_flaws, find_odd_answers
from millrace.domain.losses import UnpairedLossesError
from millrace.domain.verdict import Outcome, Verdict, worst_of


@dataclass(frozen=True)
class Judgement:
    """What the gate says about a challenger; `reason` names the rule that decided."""

    outcome: Outcome
    reason: str
    verdicts: tuple[Verdict, ...]


def judge_challenger(evidence: GateEvidence, policy: GateSection) -> Judgement:
    """Judge a challenger by every rule that applies to it; the worst verdict that decides is the gate's.

    A rule that cannot be computed is inconclusive, with the error as its reason.
    """
    asked = (
        name
        for name, rule in RULES.items()
        if evidence.champion_digest is not None or not rule.needs_champion
    )
    verdicts = tuple(judge_rule(name, evidence, policy) for name in asked)
    # a rule that nobody asks for is no evidence: without another nothing was judged
    deciding = worst_of(verdict for verdict in verdicts if verdict.code != Code.NOT_ASKED)
    return Judgement(deciding.outcome, f"{deciding.rule}: {deciding.reason}", verdicts)


def judge_rule(name: Rule, evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge by one rule; what it cannot compute is inconclusive, never a pass."""
    verdict = _judge(name, evidence, policy)
    code = verdict.code or USUAL[verdict.outcome]
    return replace(verdict, rule=str(name), code=str(code), dry_run=name in policy.dry_run)


def _judge(name: Rule, evidence: GateEvidence, policy: GateSection) -> Verdict:
    rule = RULES[name]
    if rule.section and getattr(policy, rule.section) is None:
        reason = f"not asked for: model.toml has no [gate.{rule.section}]"
        return Verdict(name, Outcome.PASS, reason, Code.NOT_ASKED)
    flaw = next(_flaws(evidence, rule), None)
    if flaw is not None:
        return Verdict(name, Outcome.INCONCLUSIVE, flaw.reason, flaw.code)
    try:
        return rule.judge(evidence, policy)
    except NoEvidenceError as error:
        return Verdict(name, Outcome.INCONCLUSIVE, error.reason, error.code)
    except UnpairedLossesError as error:
        return Verdict(name, Outcome.INCONCLUSIVE, _one_line(error), Code.UNCOMPARABLE)
    except Exception as error:  # noqa: BLE001 - whatever breaks, a package's own error too, is no evidence
        return Verdict(name, Outcome.INCONCLUSIVE, _one_line(error), Code.ERROR)


def _flaws(evidence: GateEvidence, rule: GateRule) -> Iterator[NoEvidenceError]:
    yield from find_flaws(evidence)
    if not rule.tells_odd_answers:
        yield from find_odd_answers(evidence)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
