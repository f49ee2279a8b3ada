"""Is the challenger better than the champion, and no worse than the best champion ever?"""

from millrace.domain.config import Comparison, GateSection
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import (
    confidence_at_look,
    judge_non_inferior,
    judge_superior,
    measure,
    too_few_blocks,
)
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.verdict import Outcome, Verdict


def judge_recent_champion(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger against the champion on the recent set.

    Superior: it gains more than `margin`. Non-inferior: it loses no more than `margin`.
    Every look at the same recent set asks for more confidence than the one before.
    """
    rule, recent = "recent_champion", evidence.recent
    if recent.champion is None:
        return _unscored(rule, "champion", evidence.champion_digest, "recent")
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    confidence = confidence_at_look(policy.confidence, recent.looks)
    measured = measure(recent, recent.champion, confidence, policy, "the champion")
    match policy.comparison:
        case Comparison.SUPERIOR:
            return judge_superior(rule, measured, policy.margin)
        case Comparison.NON_INFERIOR:
            return judge_non_inferior(rule, measured, policy.margin)


def judge_golden_best(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger against the best champion ever on the golden set.

    Against the best and not the last, so that small losses cannot add up. Looks at golden
    are not corrected for but counted, by `judge_golden_looks`.
    """
    rule, golden = "golden_best", evidence.golden
    if golden.best is None:
        return _unscored(rule, "best champion", evidence.best_digest, "golden")
    if (few := too_few_blocks(rule, golden, policy)) is not None:
        return few
    measured = measure(golden, golden.best, policy.confidence, policy, "the best champion")
    return judge_non_inferior(rule, measured, policy.golden_margin)


def _unscored(rule: str, who: str, digest: str | None, where: str) -> Verdict:
    reason = (
        f"the {who} {(digest or 'unknown')[:12]} was not scored on the {where} set: its task or its classes "
        "are not the challenger's. What answers another question is a model of another name"
    )
    return Verdict(rule, Outcome.INCONCLUSIVE, reason, Code.UNCOMPARABLE)
