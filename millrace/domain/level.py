"""How good was a version when it was judged, so that it can be held to it in production?"""

import math

import numpy as np

from millrace.domain.bootstrap import loss_interval
from millrace.domain.calibration import BINS, told_and_actual
from millrace.domain.config import GateSection, Metric, followed_metric
from millrace.domain.evaluation import SIGNIFICANT_DIGITS
from millrace.domain.facts import AnswerTenth, Level, SliceLevel
from millrace.domain.gate.comparison import SEED
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.losses import (
    FloatArray,
    IntArray,
    MeanBlockLoss,
    StrArray,
    UnpairedLossesError,
    block_loss,
)
from millrace.domain.rollout.measure import LOSS_METRICS
from millrace.domain.row_losses import row_losses

MIN_SLICE_ROWS = 100
"""Of fewer rows a loss is mostly chance, and a slice is better held to the loss of all rows."""
MAX_SLICES = 50
"""So many values of a column are kept, the commonest: an entry of the ledger is no table."""


def measure_level(judged: JudgedSet, task: Task, gate: GateSection) -> Level | None:
    """Measure the challenger by itself, by what it is followed by later; None where that is undefined."""
    answers = judged.challenger
    if not answers.size or not np.isfinite(answers).all():
        return None
    metric = followed_metric(gate.metric, task)
    try:
        loss = block_loss(metric, judged.labels, answers, judged.block_positions)
    except UnpairedLossesError:  # such as a probability above 1: the gate has told of it
        return None
    found = loss_interval(loss, gate.rounds, gate.confidence, SEED)
    if not math.isfinite(found.mean):
        return None
    return Level(
        metric=metric.value,
        rows=answers.shape[0],
        blocks=found.blocks,
        loss=found.mean,
        lower=_finite(found.lower),
        upper=_finite(found.upper),
        row_loss_doubt=_row_loss_doubt(judged, task, gate),
        tenths=_tenths(answers, judged.labels, task),
        slices=tuple(
            one
            for name, values in judged.slices.items()
            for one in _slices(judged, metric, gate, name, values)
        ),
    )


def tenth_of(answers: FloatArray, tenths: tuple[AnswerTenth, ...]) -> IntArray:
    """Return the position in `tenths` of each answer; shape (n_rows,).

    >>> halves = (AnswerTenth(0.5, 9, 0.2, 0.1, 0.1), AnswerTenth(None, 9, 0.8, 0.9, 0.1))
    >>> tenth_of(np.array([0.5, 0.6, 2.0]), halves).tolist()
    [0, 1, 1]
    """
    edges = [one.up_to for one in tenths[:-1]]
    return np.searchsorted(np.array(edges, dtype=np.float64), answers, side="left")


def _tenths(answers: FloatArray, labels: FloatArray, task: Task) -> tuple[AnswerTenth, ...]:
    told, actual = told_and_actual(answers, labels, task)
    # equal answers are in one tenth, here and in production: so the edges are as they are written down
    inner = np.quantile(told, np.arange(1, BINS) / BINS)
    edges = np.unique([_rounded(edge) for edge in inner.tolist()])
    losses = row_losses(LOSS_METRICS[task], labels, answers)
    places = np.searchsorted(edges, told, side="left")
    chosen = [(place, places == place) for place in range(edges.size + 1)]
    found = [(place, rows) for place, rows in chosen if rows.any()]
    return tuple(
        AnswerTenth(
            up_to=None if place == found[-1][0] else float(edges[place]),
            rows=int(rows.sum()),
            mean_answer=_rounded(told[rows].mean()),
            mean_label=_rounded(actual[rows].mean()),
            mean_loss=_rounded(losses[rows].mean()),
        )
        for place, rows in found
    )


def _slices(
    judged: JudgedSet, metric: Metric, gate: GateSection, column: str, values: StrArray
) -> list[SliceLevel]:
    names, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    levels = []
    for place in np.argsort(-counts, kind="stable")[:MAX_SLICES].tolist():
        rows = codes == place
        if counts[place] < MIN_SLICE_ROWS:
            break
        loss = block_loss(metric, judged.labels[rows], judged.challenger[rows], judged.blocks[rows])
        found = loss_interval(loss, gate.rounds, gate.confidence, SEED)
        if math.isfinite(found.mean):
            name, bounds = f"{column}={names[place]}", (_finite(found.lower), _finite(found.upper))
            levels.append(SliceLevel(name, int(counts[place]), found.mean, *bounds))
    return levels


def _row_loss_doubt(judged: JudgedSet, task: Task, gate: GateSection) -> float | None:
    losses = row_losses(LOSS_METRICS[task], judged.labels, judged.challenger)
    sums = np.bincount(judged.block_positions, weights=losses).astype(np.float64)
    counts = np.bincount(judged.block_positions).astype(np.float64)
    found = loss_interval(MeanBlockLoss(sums, counts, root=False), gate.rounds, gate.confidence, SEED)
    return _finite(found.upper - found.mean)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
