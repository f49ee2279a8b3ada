"""How good is a trained model, as numbers to compare and as curves to look at?"""

import math
from dataclasses import dataclass

import numpy as np

from millrace.domain.calibration import BINS, told_and_actual
from millrace.domain.config import FOLLOWED_BY, Metric
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, IntArray, block_loss, metric_value

MAX_POINTS = 40
"""More blocks than a curve can show merge with their neighbours: rows without time have thousands."""

SIGNIFICANT_DIGITS = 6
"""A bundle answers in float32, which holds 7: what another CPU rounds otherwise is no difference."""


@dataclass(frozen=True)
class BlockPoint:
    """The gate's metric on one judged block, or on neighbours that begin with it; None where undefined."""

    judged_set: str
    block: str
    rows: int
    challenger: float | None
    baseline: float | None


@dataclass(frozen=True)
class CalibrationPoint:
    """A tenth of the judged rows, by rising answers: what was predicted there, and what came."""

    predicted: float
    actual: float
    rows: int


def measure_metrics(judged: JudgedSet, task: Task) -> dict[str, dict[str, float]]:
    """Measure challenger and baseline by every metric for which labels and answers are enough.

    One that is undefined is left out.
    """
    answers = {"challenger": judged.challenger, "baseline": judged.baseline}
    measured = {
        role: {
            metric.value: value
            for metric in FOLLOWED_BY[task]
            if (value := _value(metric, judged.labels, given, judged.block_positions)) is not None
        }
        for role, given in answers.items()
    }
    return {role: values for role, values in measured.items() if values}


def list_block_points(name: str, judged: JudgedSet, metric: Metric) -> list[BlockPoint]:
    """Measure every judged block by itself, in the order of the blocks."""
    blocks = np.unique(judged.blocks)
    kept = min(blocks.size, MAX_POINTS)
    points = judged.block_positions * kept // max(blocks.size, 1)
    firsts = np.unique(np.arange(blocks.size) * kept // max(blocks.size, 1), return_index=True)[1]
    return [
        BlockPoint(
            name,
            str(blocks[first]),
            int(np.count_nonzero(points == point)),
            *(
                _value(metric, judged.labels[points == point], given[points == point])
                for given in (judged.challenger, judged.baseline)
            ),
        )
        for point, first in enumerate(firsts)
    ]


def list_calibration_points(judged: JudgedSet, task: Task) -> list[CalibrationPoint]:
    """Hold what the challenger predicted against what came, in tenths of the rows.

    For a regression these are the values; for a binary model the probability and the share
    of positives; for several classes the probability of the likeliest and how often it was right.
    """
    predicted, actual = told_and_actual(judged.challenger, judged.labels, task)
    order = np.argsort(predicted, kind="stable")
    tenths = [tenth for tenth in np.array_split(order, BINS) if tenth.size]
    return [
        CalibrationPoint(_rounded(predicted[tenth].mean()), _rounded(actual[tenth].mean()), tenth.size)
        for tenth in tenths
    ]


def _value(
    metric: Metric, labels: FloatArray, answers: FloatArray, positions: IntArray | None = None
) -> float | None:
    if not labels.size or not np.isfinite(answers).all():
        return None
    blocks = np.zeros(labels.size, dtype=np.intp) if positions is None else positions
    value = metric_value(metric, block_loss(metric, labels, answers, blocks).point)
    return _rounded(value) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
