"""Is the challenger good enough by itself, whatever the champion does?"""

import math
from itertools import chain

import numpy as np

from millrace.domain.config import HIGHER_IS_BETTER, GateSection, Metric
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import (
    confidence_at_look,
    judge_non_inferior,
    judge_superior,
    loss_on,
    measure,
    too_few_blocks,
)
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.losses import FloatArray, metric_value, name_metric, spell_loss
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict, worst_of


def judge_floors(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger's metrics on the recent set against fixed numbers.

    What is better the higher, as an AUC, must be above its floor; an error must be no higher than its
    number, which is a ceiling. The metric itself is judged, not a bound of it: a floor is a promise to people
    about the figure they read, and the comparisons already ask how sure it is.
    """
    rule = "floors"
    if not policy.floors:
        return Verdict(rule, Outcome.PASS, "no floor is asked for in [gate.floors]", Code.NOT_ASKED)
    if (few := too_few_blocks(rule, evidence.recent, policy)) is not None:
        return few
    verdicts = [_judge_floor(rule, evidence.recent, *floor, policy) for floor in policy.floors.items()]
    bars = tuple(chain.from_iterable(verdict.bars for verdict in verdicts))
    reason = "; ".join(verdict.reason for verdict in verdicts)
    return Finding(rule, worst_of(verdicts).outcome, reason, bars=bars)


def _judge_floor(rule: str, recent: JudgedSet, metric: Metric, number: float, policy: GateSection) -> Finding:
    loss = loss_on(recent, recent.challenger, metric, policy).point
    if not math.isfinite(loss):
        return Finding(
            rule,
            Outcome.INCONCLUSIVE,
            f"{spell_loss(metric, loss)}: labels of one class only",
            Code.NOT_FINITE,
        )
    is_floor = metric in HIGHER_IS_BETTER
    if is_floor:
        cleared, needed = metric_value(metric, loss) > number, f"needed more than {number:g}"
    else:
        cleared, needed = loss <= number, f"needed at most {number:g}"
    outcome = Outcome.PASS if cleared else Outcome.FAIL
    bar = Bar(name_metric(metric), metric_value(metric, loss), limit=number, is_floor=is_floor)
    return Finding(rule, outcome, f"{spell_loss(metric, loss)}, {needed}", bars=(bar,))


def judge_constant(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the challenger beats one answer for every row, which needs no model at all."""
    rule, recent = "constant", evidence.recent
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    confidence = confidence_at_look(policy.confidence, recent.looks)
    measured = measure(
        recent, constant_answers(evidence), confidence, policy, "one answer for all", threshold=HALF
    )
    return judge_superior(rule, measured, margin=0.0)


def constant_answers(evidence: GateEvidence) -> FloatArray:
    """For several classes they are the shares of training, 0 of one that was not there: what was known.

    Raises
    ------
    NoEvidenceError
        If it is not known which answer is the best for all.
    """
    labels, constant = evidence.recent.labels, evidence.constant
    if constant is None:
        raise NoEvidenceError(
            Code.UNCOMPARABLE, "one answer for all is known by another metric, and its rows are not here"
        )
    if not isinstance(constant, tuple):
        return np.full(labels.shape, constant)
    shares = np.zeros(evidence.recent.challenger.shape[1])
    shares[: len(constant)] = constant
    return np.broadcast_to(shares, (labels.size, shares.size))


def judge_linear_baseline(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the challenger is worth more than the simple model, within `baseline_margin`."""
    rule, recent = "linear_baseline", evidence.recent
    if evidence.challenger_digest == evidence.baseline_digest:
        return Verdict(
            rule, Outcome.PASS, f"the challenger {evidence.challenger_digest[:12]} is the baseline"
        )
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    confidence = confidence_at_look(policy.confidence, recent.looks)
    measured = measure(recent, recent.baseline, confidence, policy, "the simple model")
    return judge_non_inferior(rule, measured, policy.baseline_margin)
