"""What do answers out of fold say about the bar: which estimator, how good, and how much of it is chance?"""

import math
from collections.abc import Mapping

import numpy as np

from millrace.domain.bootstrap import Interval, excess_interval
from millrace.domain.config import Metric
from millrace.domain.gate.comparison import SEED, confidence_at_look
from millrace.domain.losses import BlockLoss, FloatArray, StrArray, block_loss, metric_value, spell_loss
from millrace.domain.proposal.bar import BOOSTING, LINEAR, METRIC_OF
from millrace.domain.proposal.findings import Draft, Probe

ROUNDS = 500
CONFIDENCE = confidence_at_look(0.95, 0)
SIMPLER = 0.005
"""The linear model is taken unless it is worse by more than this share of the metric."""

MANY_MORE = 4
GROWING = 0.01
"""Trees are taken, where there are many more rows than were tried, unless they are worse by more."""


def choose_estimator(losses: Mapping[str, float], metric: Metric, *, has_many_more: bool) -> str:
    """Return the best estimator; of two that are nearly as good the linear one.

    Where there are many more rows than were tried, trees are taken if they are nearly as good: they go on
    learning where a linear model has learned all that it can.

    >>> losses = {"linear": 0.301, "hist_gradient_boosting": 0.3}
    >>> choose_estimator(losses, Metric.AUC, has_many_more=False)
    'linear'
    >>> choose_estimator({"linear": 0.3, "hist_gradient_boosting": 0.301}, Metric.AUC, has_many_more=True)
    'hist_gradient_boosting'
    """
    best = min(losses, key=losses.__getitem__)
    preferred, share = (BOOSTING, GROWING) if has_many_more else (LINEAR, SIMPLER)
    nearly = share * metric_value(metric, losses[best])
    return preferred if losses.get(preferred, math.inf) <= losses[best] + nearly else best


def has_many_more(draft: Draft, tried: int) -> bool:
    """Say whether a training will learn from many more rows than were tried."""
    return draft.split.training >= MANY_MORE * tried


def measure_losses(draft: Draft, labels: FloatArray, answers: Mapping[str, FloatArray]) -> dict[str, float]:
    """Return the loss of each set of answers in the gate's metric, infinite where it is undefined."""
    rows = np.arange(labels.size)
    losses = {
        name: block_loss(METRIC_OF[draft.target.task], labels, given, rows).point
        for name, given in answers.items()
    }
    return {name: loss if math.isfinite(loss) else math.inf for name, loss in losses.items()}


def conclude(
    draft: Draft, labels: FloatArray, blocks: StrArray, answers: Mapping[str, FloatArray], twin: FloatArray,
    constant: FloatArray,
) -> Probe:  # fmt: skip
    """Turn answers out of fold into a probe.

    Parameters
    ----------
    labels, blocks : shape (n_rows,)
    answers
        Of each estimator, by its name; shape (n_rows,) or (n_rows, n_classes).
    twin
        Of the chosen estimator, fitted to other rows: a version that is as good.
    constant
        One answer for all rows, the best one.
    """
    metric, losses = METRIC_OF[draft.target.task], measure_losses(draft, labels, answers)
    fixed = _constant_loss(metric, labels, constant)
    chosen = choose_estimator(losses, metric, has_many_more=has_many_more(draft, labels.size))

    def loss_of(given: FloatArray) -> BlockLoss:
        return block_loss(metric, labels, given, blocks)

    def excess(one: FloatArray, other: FloatArray) -> Interval:
        return excess_interval(loss_of(one), loss_of(other), ROUNDS, CONFIDENCE, SEED)

    by_chance = _half(excess(answers[chosen], twin))
    against = excess(answers[chosen], answers[LINEAR])
    is_linear = chosen == LINEAR
    recent = _scale(draft, blocks, draft.split.recent_blocks, draft.split.recent)
    golden = _scale(draft, blocks, draft.split.golden_blocks, draft.split.golden)
    return Probe(
        rows=labels.size,
        estimator=chosen,
        losses=losses,
        constant=fixed,
        noise=by_chance * recent,
        golden_noise=by_chance * golden,
        baseline_noise=0.0 if is_linear else _half(against) * recent,
        baseline_excess=0.0 if is_linear else max(0.0, against.mean),
        sample_noise=_half(excess(answers[chosen], constant)) * recent,
        why=_told(metric, losses, chosen),
    )


def _constant_loss(metric: Metric, labels: FloatArray, constant: FloatArray) -> float:
    return 0.5 if metric is Metric.AUC else block_loss(metric, labels, constant, np.arange(labels.size)).point


def _half(interval: Interval) -> float:
    half = (interval.upper - interval.lower) / 2.0
    return half if math.isfinite(half) else 0.0


def _scale(draft: Draft, blocks: StrArray, judged_blocks: int, judged_rows: int) -> float:
    """Return how an interval narrows: with the root of the blocks, or of the rows where blocks are rows."""
    by_blocks = draft.time is not None or draft.group is not None
    here, there = (np.unique(blocks).size, judged_blocks) if by_blocks else (blocks.size, judged_rows)
    return math.sqrt(here / max(there, 1))


def _told(metric: Metric, losses: Mapping[str, float], chosen: str) -> str:
    others = [
        f"{name} {spell_loss(metric, loss).rsplit(' ', 1)[1]}"
        for name, loss in losses.items()
        if name != chosen
    ]
    against = f", {' and '.join(others)}" if others else ""
    return f"{spell_loss(metric, losses[chosen])} out of fold{against}"
