"""Are groups of people answered differently, and how sure is that?"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from millrace.domain.bootstrap import pairwise_intervals
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, IntArray, MeanBlockLoss
from millrace.domain.rollout.measure import EVEN, BoolArray, Sliced

MAX_GROUPS = 8
"""So many groups of a column are compared pair by pair, the largest: pairs grow with their square."""

SEED = 0


@dataclass(frozen=True)
class Gap:
    """The largest difference of a measure between two groups of a column.

    `difference` is fairlearn's, between the group that has most and the one that has least; `lower` and
    `upper` bound the largest difference of all pairs. A bound is infinite where a pair is undefined.
    """

    column: str
    measure: str
    most: str
    least: str
    difference: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Fairness:
    """The gaps of one column, and the groups that had too few rows, or were too many, to be compared."""

    column: str
    gaps: tuple[Gap, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Rows with their group: paired by position.

    Answers and labels are those of `LoggedRows`, labels NaN where there is none; every answer is finite.
    `blocks` are the numbers of the rows' blocks. `threshold` is the bundle's: what people get are its
    decisions; without one more than half is positive.
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
        decided = self.answers > EVEN if self.threshold is None else self.answers >= self.threshold
        return decided.astype(np.float64)


def measure_fairness(
    column: str, rows: GroupedRows, min_rows: int, confidence: float, rounds: int
) -> Fairness:
    """Compare the groups of a sensitive column, pair by pair.

    Binary: the share that is answered positively (demographic parity), and that share among those of
    whom the label is positive, and negative (equalized odds). Several classes: the share of errors.
    Regression: the mean absolute error, as a share of that of all rows.

    Parameters
    ----------
    min_rows
        A group with fewer rows, or fewer labels where a measure needs them, is left out.
    confidence
        One-sided, between 0.5 and 1, for all pairs and measures of the column together (Bonferroni).

    References
    ----------
    Hardt, Price, Srebro, *Equality of Opportunity in Supervised Learning* (NeurIPS 2016); Weerts et al.,
    *Fairlearn: Assessing and Improving Fairness of AI Systems* (JMLR 24, 2023), whose differences
    "between groups" these are.
    """
    measures = _measures(rows)
    kept = _large_groups(rows, min_rows)
    pairs = list(combinations(range(len(kept)), 2))
    tail = (1.0 - confidence) / max(1, 2 * len(pairs) * len(measures))
    gaps = [_gap(column, one, rows, kept, 1.0 - tail, rounds) for one in measures if pairs]
    names = {*np.unique(rows.groups.codes).tolist()} - {*kept}
    return Fairness(column, tuple(gaps), tuple(sorted(rows.groups.names[code] for code in names)))


@dataclass(frozen=True, eq=False)
class _Measure:
    """A mean of `values` over each group, NaN where a row does not count; `metric` says so to fairlearn."""

    name: str
    metric: Callable[..., float]
    decided: FloatArray
    values: FloatArray
    unit: float = 1.0


def _measures(rows: GroupedRows) -> list[_Measure]:
    from fairlearn.metrics import false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import mean_absolute_error, zero_one_loss

    labels = rows.labels
    match rows.task:
        case Task.BINARY:
            positive = rows.positive
            of_positive, of_negative = (np.where(labels == one, positive, np.nan) for one in (1.0, 0.0))
            return [
                _Measure("share answered positively", selection_rate, positive, positive),
                _Measure("true positive share", true_positive_rate, positive, of_positive),
                _Measure("false positive share", false_positive_rate, positive, of_negative),
            ]
        case Task.MULTICLASS:
            decided = rows.answers.argmax(axis=1).astype(np.float64)
            is_wrong = np.where(np.isfinite(labels), decided != labels, np.nan)
            return [_Measure("share of errors", zero_one_loss, decided, is_wrong)]
        case Task.REGRESSION:
            errors = np.abs(rows.answers - labels)
            unit = float(np.nanmean(errors)) or 1.0
            name = "mean absolute error, relative"
            return [_Measure(name, mean_absolute_error, rows.answers, errors / unit, unit)]


def _large_groups(rows: GroupedRows, min_rows: int) -> list[int]:
    counts = np.bincount(rows.groups.codes[np.isfinite(rows.labels)], minlength=len(rows.groups.names))
    order = [code for code in np.argsort(-counts, kind="stable").tolist() if counts[code] >= min_rows]
    return order[:MAX_GROUPS]


def _gap(
    column: str, measure: _Measure, rows: GroupedRows, kept: list[int], confidence: float, rounds: int
) -> Gap:
    is_counted: BoolArray = np.isfinite(measure.values) & np.isin(rows.groups.codes, kept)
    codes, blocks = rows.groups.codes[is_counted], rows.blocks[is_counted]
    most, least, difference = _difference(measure, rows, is_counted)
    by_group = [_by_block(measure.values[is_counted], codes == code, blocks) for code in kept]
    bounds = pairwise_intervals(by_group, rounds, confidence, SEED)
    return Gap(
        column=column,
        measure=measure.name,
        most=most,
        least=least,
        difference=difference,
        lower=max(max(one.lower, -one.upper, 0.0) for one in bounds),
        upper=max(max(-one.lower, one.upper) for one in bounds),
    )


def _difference(measure: _Measure, rows: GroupedRows, is_counted: BoolArray) -> tuple[str, str, float]:
    """Return the groups that have most and least, and fairlearn's difference between them."""
    from fairlearn.metrics import MetricFrame

    if not is_counted.any():
        return "", "", math.nan
    frame = MetricFrame(
        metrics=measure.metric,
        y_true=np.nan_to_num(rows.labels[is_counted]),
        y_pred=measure.decided[is_counted],
        sensitive_features=np.array(rows.groups.names, dtype=object)[rows.groups.codes[is_counted]],
    )
    by_group = frame.by_group.astype("float64")
    difference = float(frame.difference(method="between_groups")) / measure.unit
    return str(by_group.idxmax()), str(by_group.idxmin()), difference


def _by_block(values: FloatArray, chosen: BoolArray, blocks: IntArray) -> MeanBlockLoss:
    positions, size = np.unique(blocks, return_inverse=True)[1], np.unique(blocks).size
    sums = np.bincount(positions[chosen], weights=values[chosen], minlength=size).astype(np.float64)
    counts = np.bincount(positions[chosen], minlength=size).astype(np.float64)
    return MeanBlockLoss(sums, counts, root=False)
