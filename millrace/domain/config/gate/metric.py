"""By which measure are models compared?"""

from enum import StrEnum

from millrace.domain.kinds import Task


class Metric(StrEnum):
    """The measures a gate can be asked for. Each is turned into a loss, lower is better."""

    AUC = "auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    MAE = "mae"
    RMSE = "rmse"


METRICS_OF = {
    Task.BINARY: (Metric.AUC, Metric.LOG_LOSS, Metric.BRIER),
    Task.MULTICLASS: (Metric.LOG_LOSS, Metric.BRIER),
    Task.REGRESSION: (Metric.MAE, Metric.RMSE),
}
