"""Which single answer must a model beat to know anything?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import Metric
from millrace.domain.kinds import Task


def constant_answer(
    labels: FloatArray, task: Task, metric: Metric, quantile: float | None = None
) -> float | tuple[float, ...]:
    """Return the one answer that is best for all rows, each of which counts once, whatever its weight.

    Of several classes it is the share of each, in the order of their positions; a user's own loss is taken
    for a square. `quantile` is that of a pinball loss.
    """
    match task:
        case Task.BINARY:
            # of all who say the same, who finds every positive has the best F1
            return 1.0 if metric is Metric.F1 else float(np.mean(labels))
        case Task.REGRESSION:
            return _constant_number(labels, metric, quantile)
        case Task.MULTICLASS:
            return tuple((np.bincount(labels.astype(np.intp)) / labels.size).tolist())


def _constant_number(labels: FloatArray, metric: Metric, quantile: float | None) -> float:
    match metric:
        case Metric.MAE:
            return float(np.median(labels))
        case Metric.PINBALL:
            return float(np.quantile(labels, 0.5 if quantile is None else quantile))
        case Metric.MAPE:
            told = labels[labels != 0.0]  # of a label of 0 no error is a share
            half = (
                np.quantile(told, 0.5, weights=1.0 / np.abs(told), method="inverted_cdf") if told.size else 0
            )
            return float(half)
        case _:
            return float(np.mean(labels))
