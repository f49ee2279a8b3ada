"""What of a model in production is watched, how often, and what may it become before somebody acts?"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from millrace.domain.config.section import Cron, Duration, Section, Share


class DriftTest(StrEnum):
    """Evidently's distances between two samples; tests that give p-values cannot be had from counts."""

    WASSERSTEIN = "wasserstein"
    JENSEN_SHANNON = "jensenshannon"
    PSI = "psi"
    HELLINGER = "hellinger"
    KL_DIVERGENCE = "kl_div"


class ColumnTest(Section):
    """How a column's drift is measured, and from which distance on it has drifted."""

    test: Annotated[DriftTest, Field(strict=False)]
    threshold: float = Field(gt=0.0)


class MonitorSection(Section):
    """When somebody looks: at the times of `schedule`, and once `every_rows` rows were answered since."""

    schedule: Cron
    every_rows: int | None = Field(default=None, ge=1)


class DriftSection(Section):
    """How far what is asked may be from what was learned from.

    A window of fewer than `min_rows` rows is not judged, it goes on. A column has drifted when its distance
    reaches the threshold and is no accident at `confidence`, all columns taken together. `max_unseen_share`
    of a column's rows may be what training has not seen: other categories, values beyond its range,
    infinite ones, nulls where there were none. More than `max_column_share` of the columns, in `windows`
    windows in a row, are a reason to retrain.
    """

    numeric: ColumnTest
    categorical: ColumnTest
    min_rows: int = Field(ge=1)
    confidence: float = Field(gt=0.5, lt=1.0)
    max_unseen_share: Share
    max_column_share: Share = Field(lt=1.0)
    windows: int = Field(ge=1)
    columns: dict[str, ColumnTest] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.categorical.test is DriftTest.WASSERSTEIN:
            raise ValueError("categorical.test is wasserstein, which needs numbers: jensenshannon is usual")
        return self


class PerformanceSection(Section):
    """How much worse answers may become than they were at the gate, by the labels that have come.

    `max_excess_loss` is in units of the gate's metric as a loss, above its level on the recent set;
    a window goes on until `min_labels` have come. `slices` and `sensitive` are columns of requests;
    between two groups of a sensitive one, `max_unfairness` is the largest difference of the share that is
    answered positively, and of the errors: of a regression, of their mean as a share of that of all rows.
    `max_calibration_error` is the mean distance between what was predicted and what came, in units of
    the answer.
    """

    min_labels: int = Field(ge=1)
    max_excess_loss: float = Field(ge=0.0)
    confidence: float = Field(gt=0.5, lt=1.0)
    windows: int = Field(ge=1)
    max_calibration_error: float | None = Field(default=None, gt=0.0)
    slices: tuple[str, ...] = Field(default=(), strict=False)
    sensitive: tuple[str, ...] = Field(default=(), strict=False)
    max_unfairness: Share | None = None

    @model_validator(mode="after")
    def _limits_are_there(self) -> Self:
        if self.sensitive and self.max_unfairness is None:
            raise ValueError("sensitive names columns, and max_unfairness does not say what is too much")
        return self


class HealthSection(Section):
    """What else may become too old, too slow, or other than it was in training.

    `max_skew_share` of up to `skew_rows` logged rows may be answered otherwise by the pipeline of
    training. `max_error_share` is of rows, `max_p95_milliseconds` of a request. A share passes where its
    upper bound is allowed, and that of none in 1,000 rows is 0.0099 at a confidence of 0.95: windows of fewer
    rows, and smaller shares, are inconclusive until they fail.
    """

    max_champion_age: Duration
    max_data_age: Duration
    max_p95_milliseconds: float = Field(gt=0.0)
    max_error_share: Share
    skew_rows: int = Field(ge=1)
    max_skew_share: Share
