"""How is a challenger compared with another model on the same judged rows?"""

import math
from dataclasses import dataclass

from millrace.domain.bootstrap import Interval, excess_interval
from millrace.domain.config import GateSection, Metric
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.losses import (
    BlockLoss,
    FloatArray,
    block_loss,
    metric_value,
    name_metric,
    spell_loss,
)
from millrace.domain.metric_terms import Terms
from millrace.domain.verdict import Outcome, Verdict

SEED = 0
"""One seed for every judgement: the same evidence gives the same verdict to the last digit."""


@dataclass(frozen=True)
class Measured:
    """The losses of the challenger and of what it is compared with, and their difference."""

    metric: Metric
    challenger: float
    reference: float
    excess: Interval
    confidence: float
    against: str = "the other"


def confidence_at_look(confidence: float, earlier_looks: int) -> float:
    """Return the confidence that look number k = `earlier_looks` + 1 at one set must reach.

    The allowed error is divided by k (k + 1): over all looks, however many, it sums to the
    error of the policy (Bonferroni; the sum of 1 / (k (k + 1)) is 1).

    >>> round(confidence_at_look(0.95, 0), 6), round(confidence_at_look(0.95, 3), 6)
    (0.975, 0.9975)
    """
    look = earlier_looks + 1
    return 1.0 - (1.0 - confidence) / (look * (look + 1))


def too_few_blocks(rule: str, judged: JudgedSet, policy: GateSection) -> Verdict | None:
    """Return the verdict on a set that is too small to judge anything, else None."""
    if judged.n_blocks >= policy.min_blocks:
        return None
    reason = f"{judged.n_blocks} blocks, {policy.min_blocks} needed"
    return Verdict(rule, Outcome.INCONCLUSIVE, reason, Code.TOO_FEW if judged.n_blocks else Code.EMPTY)


def loss_on(
    judged: JudgedSet,
    answers: FloatArray,
    metric: Metric,
    policy: GateSection,
    threshold: float | None = None,
) -> BlockLoss:
    """Turn answers to the judged rows into a loss over blocks.

    Decisions are judged at `threshold`, without one at that of the bundle of the set whose answers they are.
    """
    at = judged.threshold_of(answers) if threshold is None else threshold
    terms = Terms(policy.quantile, at, judged.own_loss)
    return block_loss(metric, judged.labels, answers, judged.block_positions, terms)


def measure(
    judged: JudgedSet,
    reference: FloatArray,
    confidence: float,
    policy: GateSection,
    against: str = "the other",
    *,
    threshold: float | None = None,
) -> Measured:
    """Measure the challenger against the answers of another model on the judged rows; `against` names it.

    `threshold` is that of the other model, where its answers are none of the set's.
    """
    challenger_loss = loss_on(judged, judged.challenger, policy.metric, policy)
    reference_loss = loss_on(judged, reference, policy.metric, policy, threshold)
    excess = excess_interval(challenger_loss, reference_loss, policy.rounds, confidence, SEED)
    return Measured(policy.metric, challenger_loss.point, reference_loss.point, excess, confidence, against)


def judge_superior(rule: str, measured: Measured, margin: float) -> Finding:
    """Pass when the challenger surely gains more than `margin`, fail when it surely does not."""
    excess = measured.excess
    needed = f"needed more than {margin:g}"
    found = _judged(rule, measured, excess.upper < -margin, excess.lower >= -margin, needed)
    return _with_bars(found, measured, margin)


def judge_non_inferior(rule: str, measured: Measured, margin: float) -> Finding:
    """Pass when the challenger surely loses no more than `margin`, fail when it surely loses more."""
    excess = measured.excess
    needed = f"needed at least {0.0 - margin:g}"
    found = _judged(rule, measured, excess.upper <= margin, excess.lower > margin, needed)
    return _with_bars(found, measured, 0.0 - margin)


def _judged(rule: str, measured: Measured, cleared: bool, missed: bool, needed: str) -> Verdict:
    excess = measured.excess
    if not all(map(math.isfinite, (excess.mean, excess.lower, excess.upper))):
        reason = f"{_spell_losses(measured)}, undefined on too many draws"
        return Verdict(rule, Outcome.INCONCLUSIVE, reason, Code.NOT_FINITE)
    at_least, at_most = f"at least {0.0 - excess.upper:.3g}", f"at most {0.0 - excess.lower:.3g}"
    match cleared, missed:
        case True, _:
            outcome, bound = Outcome.PASS, at_least
        case _, True:
            outcome, bound = Outcome.FAIL, at_most
        case _:
            outcome, bound = Outcome.INCONCLUSIVE, f"{at_least}, {at_most}"
    gain = f"gain {0.0 - excess.mean:.3g} ({spell_percent(measured.confidence)} {bound})"
    return Verdict(rule, outcome, f"{_spell_losses(measured)}, {gain}, {needed}")


def _with_bars(found: Verdict, measured: Measured, least_gain: float) -> Finding:
    name, excess = name_metric(measured.metric), measured.excess
    mean, lower, upper = (0.0 - loss for loss in (excess.mean, excess.upper, excess.lower))
    title = f"gain in {name} over {measured.against}"
    gain = Bar(title, mean, lower, upper, limit=least_gain, is_floor=True)
    both = (("the challenger", measured.challenger), (measured.against, measured.reference))
    values = (Bar(f"{name} of {who}", metric_value(measured.metric, loss)) for who, loss in both)
    return Finding(found.rule, found.outcome, found.reason, found.code, bars=(gain, *values))


def _spell_losses(measured: Measured) -> str:
    reference = spell_loss(measured.metric, measured.reference).rsplit(" ", 1)[1]
    return f"{spell_loss(measured.metric, measured.challenger)} against {reference}"


def spell_percent(confidence: float) -> str:
    """Write 0.99998 as `99.998 %`, never rounded up to 100."""
    allowed = 100.0 * (1.0 - confidence)
    decimals = max(1, 1 - math.floor(math.log10(allowed)))
    return f"{100.0 - allowed:.{decimals}f}".rstrip("0").rstrip(".") + " %"
