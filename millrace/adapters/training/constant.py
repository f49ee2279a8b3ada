"""Which single answer must a model beat to know anything?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import Metric
from millrace.domain.kinds import Task


def constant_answer(labels: FloatArray, task: Task, metric: Metric) -> float | tuple[float, ...]:
    """Return the one answer that is best for all rows, each of which counts once, whatever its weight.

    Of several classes it is the share of each, in the order of their positions.
    """
    match task:
        case Task.BINARY:
            return float(np.mean(labels))
        case Task.REGRESSION:
            return float(np.median(labels) if metric is Metric.MAE else np.mean(labels))
        case Task.MULTICLASS:
            return tuple((np.bincount(labels.astype(np.intp)) / labels.size).tolist())
