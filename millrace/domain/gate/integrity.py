"""Can the measurements be trusted?"""

import math

import numpy as np

from millrace.domain.config import GateSection
from millrace.domain.facts import Agreement
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import too_few_blocks
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Outcome, Verdict


def judge_agreement(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the bundle answers as the pipeline that was fitted: an export can be silently wrong."""
    rule, agreement = "agreement", evidence.agreement
    if (code := _flaw_of(agreement)) is not None:
        found = (
            f"{agreement.disagreeing_rows} of {agreement.rows} rows differ, "
            f"by {agreement.largest_difference:g} at most"
        )
        reason = f"{found}: the bundle was not held against its pipeline"
        return Verdict(rule, Outcome.INCONCLUSIVE, reason, code)
    share = agreement.disagreeing_rows / agreement.rows
    outcome = Outcome.PASS if share <= policy.max_disagreeing_share else Outcome.FAIL
    reason = (
        f"{agreement.disagreeing_rows} of {agreement.rows} rows ({share:.2%}) differ from the fitted "
        f"pipeline by more than {policy.agreement_tolerance:g}, largest {agreement.largest_difference:.3g}, "
        f"needed at most {policy.max_disagreeing_share:.2%}"
    )
    bars = (
        Bar("share of rows that differ", share, limit=policy.max_disagreeing_share),
        Bar("largest difference", agreement.largest_difference),
    )
    return Finding(rule, outcome, reason, bars=bars)


def _flaw_of(found: Agreement) -> Code | None:
    if found.rows == 0:
        return Code.ABSENT
    if not math.isfinite(found.largest_difference):
        return Code.NOT_FINITE
    if min(found.rows, found.disagreeing_rows, found.largest_difference) < 0:
        return Code.NEGATIVE
    return Code.OTHER_ROWS if found.disagreeing_rows > found.rows else None


def judge_finite(evidence: GateEvidence, _policy: GateSection) -> Verdict:
    """Judge whether every answer is a number. The challenger's own fail it, another's leave it undecided."""
    rule = "finite"
    own = [evidence.recent.challenger, evidence.golden.challenger]
    others = [*_other_answers(evidence.recent), *_other_answers(evidence.golden)]
    own_odd, others_odd = _non_finite(own), _non_finite(others)
    if own_odd:
        reason = f"{own_odd} of {_size(own)} answers of the challenger are NaN or infinite, none may be"
        return Verdict(rule, Outcome.FAIL, reason, Code.NOT_FINITE)
    if others_odd:
        reason = f"{others_odd} of {_size(others)} answers it is compared with are NaN or infinite"
        return Verdict(rule, Outcome.INCONCLUSIVE, reason, Code.NOT_FINITE)
    if not all(answers.size for answers in own):
        return Verdict(
            rule, Outcome.INCONCLUSIVE, "a judged set holds no answers: 0 rows, 1 needed", Code.EMPTY
        )
    reason = f"all {_size(own)} answers of the challenger are finite{_spell_unlearned(evidence)}"
    return Verdict(rule, Outcome.PASS, reason)


def _spell_unlearned(evidence: GateEvidence) -> str:
    """Say how many rows nobody could answer rightly: their loss is in every figure, and is not a mystery."""
    if not isinstance(evidence.constant, tuple):
        return ""
    learned = len(evidence.constant)
    rows = sum(int((one.labels >= learned).sum()) for one in (evidence.recent, evidence.golden))
    return f"; {rows} judged rows have a class that no training row has, its share is 0" if rows else ""


def _other_answers(judged: JudgedSet) -> list[FloatArray]:
    return [answers for answers in (judged.champion, judged.baseline, judged.best) if answers is not None]


def _non_finite(arrays: list[FloatArray]) -> int:
    return sum(int(np.count_nonzero(~np.isfinite(_by_row(answers)).all(axis=1))) for answers in arrays)


def _size(arrays: list[FloatArray]) -> int:
    return sum(len(answers) for answers in arrays)


def _by_row(answers: FloatArray) -> FloatArray:
    """Return one row for each answer: of several classes it is one answer of many shares."""
    return answers.reshape(len(answers), -1 if answers.size else 1)


def judge_recent_blocks(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the recent set holds enough blocks for an interval over them to mean anything."""
    return _judge_blocks("recent_blocks", evidence.recent, policy)


def judge_golden_blocks(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the golden set holds enough blocks, for the first model already."""
    return _judge_blocks("golden_blocks", evidence.golden, policy)


def _judge_blocks(rule: str, judged: JudgedSet, policy: GateSection) -> Verdict:
    bar = Bar("blocks", judged.n_blocks, limit=policy.min_blocks, is_floor=True)
    if (few := too_few_blocks(rule, judged, policy)) is not None:
        return Finding(rule, few.outcome, few.reason, few.code, bars=(bar,))
    reason = f"{judged.n_blocks} blocks, {policy.min_blocks} needed"
    return Finding(rule, Outcome.PASS, reason, bars=(bar,))


def judge_golden_looks(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether golden is still unspent: every look teaches a little about it.

    Another golden set that nobody has recorded would be a first look at no price.
    """
    rule, looks = "golden_looks", evidence.golden.looks
    found = f"golden set looked at {looks} of {policy.max_looks} times"
    bars = (Bar("looks", looks, limit=policy.max_looks),)
    if evidence.unrecorded_golden:
        change = f"{evidence.unrecorded_golden}: record it with millrace golden renew"
        return Finding(rule, Outcome.INCONCLUSIVE, change, Code.UNCOMPARABLE, bars=bars)
    if looks < policy.max_looks:
        return Finding(rule, Outcome.PASS, found, bars=bars)
    advice = f"{found}; renew it with millrace golden renew"
    return Finding(rule, Outcome.INCONCLUSIVE, advice, Code.WORN_OUT, bars=bars)
