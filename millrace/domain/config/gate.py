"""Which bar must a challenger clear, and in which metric?"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from millrace.domain.config.section import Section, Share
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


class Comparison(StrEnum):
    """What a challenger owes the champion on the recent set."""

    SUPERIOR = "superior"
    NON_INFERIOR = "non_inferior"


class GateSection(Section):
    """The bar a challenger must clear. Margins and floors are in units of their metric."""

    metric: Annotated[Metric, Field(strict=False)]
    comparison: Annotated[Comparison, Field(strict=False)]
    margin: float = Field(ge=0.0)
    golden_margin: float = Field(ge=0.0)
    baseline_margin: float = Field(ge=0.0)
    confidence: float = Field(gt=0.5, lt=1.0)
    rounds: int = Field(ge=200)
    min_blocks: int = Field(ge=14)
    max_looks: int = Field(ge=1)
    floors: dict[Annotated[Metric, Field(strict=False)], float]
    agreement_tolerance: float = Field(gt=0.0)
    max_disagreeing_share: Share
