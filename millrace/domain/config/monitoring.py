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
    """Which distance, by Evidently's name."""
    threshold: float = Field(gt=0.0)
    """From which distance on the column has drifted."""


class MonitorSection(Section):
    """When somebody looks at what a model is asked and answers."""

    schedule: Cron
    """At these times, cron in UTC,"""
    every_rows: int | None = Field(default=None, ge=1)
    """and once so many rows were answered since."""


class DriftSection(Section):
    """How far what is asked may be from what was learned from."""

    numeric: ColumnTest
    """How the drift of numbers is measured."""
    categorical: ColumnTest
    """How the drift of categories is measured."""
    min_rows: int = Field(ge=1)
    """A window of fewer rows is not judged, it goes on."""
    confidence: float = Field(gt=0.5, lt=1.0)
    """How sure it must be that a distance is no accident, all columns taken together."""
    max_unseen_share: Share
    """The share of a column's rows that training may not have seen: other categories, other ranges, nulls."""
    max_column_share: Share = Field(lt=1.0)
    """More drifted columns than this share,"""
    windows: int = Field(ge=1)
    """in so many windows in a row, are a reason to retrain."""
    columns: dict[str, ColumnTest] = Field(default_factory=dict)
    """Another test for some columns."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.categorical.test is DriftTest.WASSERSTEIN:
            raise ValueError("categorical.test is wasserstein, which needs numbers: jensenshannon is usual")
        return self


class PerformanceSection(Section):
    """How much worse answers may become than they were at the gate, by the labels that have come."""

    min_labels: int = Field(ge=1)
    """A window goes on until so many labels have come."""
    max_excess_loss: float = Field(ge=0.0)
    """How far the loss may rise above its level at the gate, in units of the gate's metric."""
    confidence: float = Field(gt=0.5, lt=1.0)
    """How sure that must be."""
    windows: int = Field(ge=1)
    """In so many windows in a row it is a reason to retrain."""
    max_calibration_error: float | None = Field(default=None, gt=0.0)
    """The mean distance between what was predicted and what came, in units of the answer."""
    slices: tuple[str, ...] = Field(default=(), strict=False)
    """Columns of requests; each value of one is looked at by itself."""
    sensitive: tuple[str, ...] = Field(default=(), strict=False)
    """Columns of requests whose groups must be treated alike."""
    max_unfairness: Share | None = None
    """The largest difference between two of them: of the share answered positively, and of the errors.

    Of a regression, of the mean error as a share of that of all rows.
    """

    @model_validator(mode="after")
    def _limits_are_there(self) -> Self:
        if self.sensitive and self.max_unfairness is None:
            raise ValueError("sensitive names columns, and max_unfairness does not say what is too much")
        return self


class HealthSection(Section):
    """What else may become too old, too slow, or other than it was in training.

    A share passes where its upper bound is allowed, and that of none in 1,000 rows is 0.0099 at a confidence
    of 0.95: windows of fewer rows, and smaller shares, are inconclusive until they fail.
    """

    max_champion_age: Duration
    """How long ago the champion may have been trained."""
    max_data_age: Duration
    """How old the newest row of the dataset may be."""
    max_p95_milliseconds: float = Field(gt=0.0)
    """The 95th percentile of a request's latency."""
    max_error_share: Share
    """The share of rows that could not be answered."""
    skew_rows: int = Field(ge=1)
    """So many logged rows are answered again by the pipeline of training;"""
    max_skew_share: Share
    """so large a share of them may come out otherwise."""
