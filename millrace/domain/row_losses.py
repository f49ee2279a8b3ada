"""How much does a model lose on each row?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import Metric

NEAREST_TO_CERTAIN = float(np.finfo(np.float32).eps)
"""A bundle answers in float32, so its 0 and 1 mean "within this of it": no log loss is infinite."""


def row_losses(metric: Metric, labels: FloatArray, answers: FloatArray) -> FloatArray:
    """Return the loss of each row, for an RMSE before the root.

    Parameters
    ----------
    labels : shape (n_rows,)
        Numbers for a regression, 0 and 1 for a binary model, class positions for more; none is missing.
    answers : shape (n_rows,) or (n_rows, n_classes)
        Predictions, or probabilities of the positive class, or of every class.

    Returns
    -------
    shape (n_rows,)
        Lower is better. The Brier score of several classes is the sum over all of them.

    References
    ----------
    Brier, *Verification of forecasts expressed in terms of probability* (Monthly Weather Review 78, 1950).

    >>> row_losses(Metric.BRIER, np.array([2.0]), np.array([[0.5, 0.0, 0.5]])).tolist()
    [0.5]
    """
    if answers.ndim > 1:
        told = labels.astype(np.intp)
        if metric is Metric.LOG_LOSS:
            return _log_losses(answers[np.arange(labels.size), told])
        return np.asarray(np.square(answers - np.eye(answers.shape[1])[told]).sum(axis=1))
    if metric is Metric.LOG_LOSS:
        return _log_losses(np.where(labels == 1.0, answers, 1.0 - answers))
    return np.abs(answers - labels) if metric is Metric.MAE else np.square(answers - labels)


def _log_losses(given: FloatArray) -> FloatArray:
    """Return the losses of the shares that were given to what came true."""
    losses: FloatArray = -np.log(np.clip(given, NEAREST_TO_CERTAIN, 1.0))
    return losses
