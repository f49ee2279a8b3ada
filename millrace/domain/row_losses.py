"""How much does a model lose on each row?"""

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.config import Metric
from millrace.domain.metric_terms import NO_TERMS, MissingTermError, RowLoss, Terms
from millrace.errors import MillraceError

NEAREST_TO_CERTAIN = float(np.finfo(np.float32).eps)
"""A bundle answers in float32, so its 0 and 1 mean "within this of it": no log loss is infinite."""


class OwnLossError(MillraceError):
    """The user's own loss broke, or did not return one finite number for each row."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the own loss of [gate] was given labels and answers: found {found}, "
            "needed one finite number for each row"
        )


def row_losses(
    metric: Metric, labels: FloatArray, answers: FloatArray, terms: Terms = NO_TERMS
) -> FloatArray:
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

    Raises
    ------
    MissingTermError, OwnLossError

    References
    ----------
    The pinball loss: Koenker and Bassett, *Regression quantiles* (Econometrica 46, 1978).
    Brier, *Verification of forecasts expressed in terms of probability* (Monthly Weather Review 78, 1950).

    >>> row_losses(Metric.BRIER, np.array([2.0]), np.array([[0.5, 0.0, 0.5]])).tolist()
    [0.5]
    >>> row_losses(Metric.PINBALL, np.array([4.0, 4.0]), np.array([2.0, 6.0]), Terms(quantile=0.75)).tolist()
    [1.5, 0.5]
    """
    if metric is Metric.OWN:
        return _own_losses(terms.own, labels, answers)
    if answers.ndim > 1:
        return _class_losses(metric, labels, answers)
    if metric is Metric.LOG_LOSS:
        return _log_losses(np.where(labels == 1.0, answers, 1.0 - answers))
    return _number_losses(metric, labels, answers, terms)


def _class_losses(metric: Metric, labels: FloatArray, answers: FloatArray) -> FloatArray:
    told = labels.astype(np.intp)
    if metric is Metric.LOG_LOSS:
        return _log_losses(answers[np.arange(labels.size), told])
    return np.asarray(np.square(answers - np.eye(answers.shape[1])[told]).sum(axis=1))


def _number_losses(metric: Metric, labels: FloatArray, answers: FloatArray, terms: Terms) -> FloatArray:
    match metric:
        case Metric.MAE:
            return np.abs(answers - labels)
        case Metric.MAPE:
            return np.abs(answers - labels) / np.abs(labels)
        case Metric.PINBALL:
            return _pinball_losses(terms.quantile, labels, answers)
        case _:
            return np.square(answers - labels)


def _log_losses(given: FloatArray) -> FloatArray:
    """Return the losses of the shares that were given to what came true."""
    losses: FloatArray = -np.log(np.clip(given, NEAREST_TO_CERTAIN, 1.0))
    return losses


def _pinball_losses(quantile: float | None, labels: FloatArray, answers: FloatArray) -> FloatArray:
    if quantile is None:
        raise MissingTermError(Metric.PINBALL, "quantile")
    short = labels - answers
    return np.maximum(quantile * short, (quantile - 1.0) * short)


def _own_losses(own: RowLoss | None, labels: FloatArray, answers: FloatArray) -> FloatArray:
    if own is None:
        raise MissingTermError(Metric.OWN, "function")
    try:
        # copies: what it does to them in place is not done to the rows of others
        losses = np.asarray(own(labels.copy(), answers.copy()), dtype=np.float64)
    except Exception as error:
        raise OwnLossError(f"{type(error).__name__}: {error}") from error
    if losses.shape != labels.shape:
        raise OwnLossError(f"an array of shape {losses.shape} for {labels.size} rows")
    if odd := int(np.count_nonzero(~np.isfinite(losses))):
        raise OwnLossError(f"{odd} of {losses.size} losses that are NaN or infinite")
    return losses
