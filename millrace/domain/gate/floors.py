"""Is the challenger good enough by itself, whatever the champion does?"""

import math

import numpy as np

from millrace.domain.config import GateSection, Metric
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import (
    confidence_at_look,
    judge_non_inferior,
    judge_superior,
    measure,
    too_few_blocks,
)
from millrace.domain.gate.evidence import GateEvidence, JudgedSet
from millrace.domain.losses import FloatArray, block_loss, spell_loss
from millrace.domain.verdict import Outcome, Verdict, worst_of


def judge_floors(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger's metrics on the recent set against fixed numbers.

    An AUC must be above its floor; an error must be no higher than its number, which is a
    ceiling. The metric itself is judged, not a bound of it: a floor is a promise to people
    about the figure they read, and the comparisons already ask how sure it is.
    """
    rule = "floors"
    if not policy.floors:
        return Verdict(rule, Outcome.PASS, "no floor is asked for in [gate.floors]", Code.NOT_ASKED)
    if (few := too_few_blocks(rule, evidence.recent, policy)) is not None:
        return few
    verdicts = [_judge_floor(rule, evidence.recent, *floor) for floor in policy.floors.items()]
    return Verdict(rule, worst_of(verdicts).outcome, "; ".join(verdict.reason for verdict in verdicts))


def _judge_floor(rule: str, recent: JudgedSet, metric: Metric, number: float) -> Verdict:
    loss = block_loss(metric, recent.labels, recent.challenger, recent.block_positions).point
    if not math.isfinite(loss):
        return Verdict(
            rule,
            Outcome.INCONCLUSIVE,
            f"{spell_loss(metric, loss)}: labels of one class only",
            Code.NOT_FINITE,
        )
    if metric is Metric.AUC:
        cleared, needed = 1.0 - loss > number, f"needed more than {number:g}"
    else:
        cleared, needed = loss <= number, f"needed at most {number:g}"
    outcome = Outcome.PASS if cleared else Outcome.FAIL
    return Verdict(rule, outcome, f"{spell_loss(metric, loss)}, {needed}")


def judge_constant(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the challenger beats one answer for every row, which needs no model at all."""
    rule, recent = "constant", evidence.recent
    if (few := too_few_blocks(rule, recent, policy)) is not None:
        return few
    confidence = confidence_at_look(policy.confidence, recent.looks)
    return judge_superior(rule, measure(recent, _constant_answers(evidence), confidence, policy), margin=0.0)


def _constant_answers(evidence: GateEvidence) -> FloatArray:
    """For several classes they are the shares of training, 0 of one that was not there: what was known."""
    labels, constant = evidence.recent.labels, evidence.constant
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
    measured = measure(recent, recent.baseline, confidence, policy)
    return judge_non_inferior(rule, measured, policy.baseline_margin)
