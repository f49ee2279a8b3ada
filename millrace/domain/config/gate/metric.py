"""By which measure are models compared?"""

from enum import StrEnum

from millrace.domain.kinds import Task


class Metric(StrEnum):
    """The measures a gate can be asked for. Each is turned into a loss, lower is better."""

    AUC = "auc"
    PR_AUC = "pr_auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    F1 = "f1"
    BALANCED_ACCURACY = "balanced_accuracy"
    MAE = "mae"
    RMSE = "rmse"
    PINBALL = "pinball"
    MAPE = "mape"
    OWN = "own"
    """The user's own, a function in the model's folder."""


METRICS_OF = {
    Task.BINARY: (
        Metric.AUC,
        Metric.PR_AUC,
        Metric.LOG_LOSS,
        Metric.BRIER,
        Metric.F1,
        Metric.BALANCED_ACCURACY,
        Metric.OWN,
    ),
    Task.MULTICLASS: (Metric.LOG_LOSS, Metric.BRIER, Metric.F1, Metric.BALANCED_ACCURACY, Metric.OWN),
    Task.REGRESSION: (Metric.MAE, Metric.RMSE, Metric.PINBALL, Metric.MAPE, Metric.OWN),
}

USUAL_METRIC = {Task.BINARY: Metric.AUC, Task.MULTICLASS: Metric.LOG_LOSS, Task.REGRESSION: Metric.MAE}
"""What is measured where nothing else is asked for, or can be."""

HIGHER_IS_BETTER = frozenset({Metric.AUC, Metric.PR_AUC, Metric.F1, Metric.BALANCED_ACCURACY})
"""Of these people read the metric, 1 - loss; of all others the loss is the metric."""

FOLLOWED_BY = {
    Task.BINARY: (Metric.AUC, Metric.PR_AUC, Metric.LOG_LOSS, Metric.BRIER),
    Task.MULTICLASS: (Metric.LOG_LOSS, Metric.BRIER),
    Task.REGRESSION: (Metric.MAE, Metric.RMSE),
}
"""The metrics for which labels and answers are enough, whatever they are."""


def followed_metric(metric: Metric, task: Task) -> Metric:
    """Return what a model is followed by after the gate: in monitoring, in a replay, in an explanation.

    It is the gate's metric where labels and answers are enough for it; else (a threshold, a quantile, no
    label of 0, a user's code are needed) the usual one of the task.

    >>> followed_metric(Metric.RMSE, Task.REGRESSION), followed_metric(Metric.F1, Task.BINARY)
    (<Metric.RMSE: 'rmse'>, <Metric.AUC: 'auc'>)
    """
    return metric if metric in FOLLOWED_BY[task] else USUAL_METRIC[task]
