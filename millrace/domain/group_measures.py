"""In what can groups of people be answered differently?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, IntArray
from millrace.domain.rollout.measure import EVEN, BoolArray, Sliced

PARITY = "share answered positively"
OPPORTUNITY = "true positive share"
FALSE_ALARMS = "false positive share"
IMPACT = "ratio of the shares answered positively"
MISTAKES = "share of errors"
ERRORS = "mean absolute error, relative"


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Rows with their group: paired by position.

    Answers and labels are those of `LoggedRows`, labels NaN where there is none; every answer is finite.
    `blocks` are the numbers of the rows' blocks. `threshold` is the bundle's: what people get are its
    decisions; without one a half is positive, and more.
    """

    task: Task
    answers: FloatArray
    labels: FloatArray
    blocks: IntArray
    groups: Sliced
    threshold: float | None = None

    @property
    def positive(self) -> FloatArray:
        """1 where a binary answer is decided positively, else 0."""
        threshold = EVEN if self.threshold is None else self.threshold
        return (self.answers >= threshold).astype(np.float64)

    @cached_property
    def positions(self) -> IntArray:
        """The place of each row's block among those there are."""
        return np.unique(self.blocks, return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Measure:
    """A mean of `values` over each group, NaN where a row does not count; `metric` says so to fairlearn."""

    name: str
    metric: Callable[..., float]
    decided: FloatArray
    values: FloatArray
    unit: float = 1.0

    @property
    def is_counted(self) -> BoolArray:
        return np.isfinite(self.values)


def list_measures(rows: GroupedRows) -> list[Measure]:
    """Return what there is to compare for the task."""
    from fairlearn.metrics import false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import mean_absolute_error, zero_one_loss

    labels = rows.labels
    match rows.task:
        case Task.BINARY:
            positive = rows.positive
            of_positive, of_negative = (np.where(labels == one, positive, np.nan) for one in (1.0, 0.0))
            return [
                Measure(PARITY, selection_rate, positive, positive),
                Measure(OPPORTUNITY, true_positive_rate, positive, of_positive),
                Measure(FALSE_ALARMS, false_positive_rate, positive, of_negative),
                Measure(IMPACT, selection_rate, positive, positive),
            ]
        case Task.MULTICLASS:
            decided = rows.answers.argmax(axis=1).astype(np.float64)
            is_wrong = np.where(np.isfinite(labels), decided != labels, np.nan)
            return [Measure(MISTAKES, zero_one_loss, decided, is_wrong)]
        case Task.REGRESSION:
            errors = np.abs(rows.answers - labels)
            unit = float(np.nanmean(errors)) or 1.0
            return [Measure(ERRORS, mean_absolute_error, rows.answers, errors / unit, unit)]
