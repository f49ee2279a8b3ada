"""What do 2,000 rounds of the paired bootstrap over blocks cost on 50,000 rows, by each metric?

Two models of 50,000 rows in 500 blocks, as many as there can be. From labels and answers to the bounds of
the difference, with all that is sorted and counted before the first round.
"""

import statistics
import time

import numpy as np

from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.answers import FloatArray
from millrace.domain.bootstrap import excess_interval
from millrace.domain.config import METRICS_OF, Metric
from millrace.domain.kinds import Task
from millrace.domain.losses import MAX_BLOCKS, IntArray, block_loss
from millrace.domain.metric_terms import Terms

ROWS = 50_000
DRAWS = 2_000
ROUNDS = 3
MOST_SECONDS = 10.0
CONFIDENCE = 0.95
PACKAGES = ("numpy", "scipy")


def own_loss(labels: FloatArray, answers: FloatArray) -> FloatArray:
    """Stand for a user's own: too little costs three times as much as too much."""
    return np.maximum(3.0 * (labels - answers), answers - labels)


TERMS = Terms(quantile=0.9, threshold=0.5, own=own_loss)


def measure(rounds: int) -> Report:
    source = np.random.default_rng(0)
    blocks = source.integers(MAX_BLOCKS, size=ROWS)
    positive = (source.random(ROWS) < 0.3).astype(np.float64)
    values = 1.0 + source.gamma(2.0, size=ROWS)
    figures = []
    for metric in dict.fromkeys((*METRICS_OF[Task.BINARY], *METRICS_OF[Task.REGRESSION])):
        labels = positive if metric in METRICS_OF[Task.BINARY] else values
        answers = _answers(source, labels)
        taken = statistics.median(_seconds(metric, labels, answers, blocks) for _ in range(rounds))
        figures.append(Figure(metric.value, round(taken, 3), "s", MOST_SECONDS))
    title = f"{DRAWS:,} paired rounds, {ROWS:,} rows, {MAX_BLOCKS} blocks, medians of {rounds}"
    return make_report("gate.bootstrap", title, tuple(figures), PACKAGES)


def _answers(source: np.random.Generator, labels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what two models say, one better than the other by a little."""
    noise = source.random((2, labels.size))
    better, worse = 0.35 * labels + 0.65 * noise[0], 0.3 * labels + 0.7 * noise[1]
    return better, worse


def _seconds(
    metric: Metric, labels: FloatArray, answers: tuple[FloatArray, FloatArray], blocks: IntArray
) -> float:
    start = time.perf_counter()
    challenger, champion = (block_loss(metric, labels, one, blocks, TERMS) for one in answers)
    found = excess_interval(challenger, champion, DRAWS, CONFIDENCE, seed=0)
    taken = time.perf_counter() - start
    assert found.lower < found.mean < found.upper
    return taken


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
