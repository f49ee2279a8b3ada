"""Are groups of people answered differently, and how sure is that?"""

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from millrace.domain.bootstrap import MAX_ROUNDS, Drawn, draw_losses
from millrace.domain.group_measures import IMPACT, GroupedRows, Measure, list_measures
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, IntArray, MeanBlockLoss
from millrace.domain.rollout.measure import BoolArray

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

    @property
    def is_ratio(self) -> bool:
        """Whether `difference` is the ratio of the least to the most; its bounds are of the smallest one."""
        return self.measure == IMPACT


@dataclass(frozen=True)
class Fairness:
    """The gaps of one column, and the groups that had too few rows, or were too many, to be compared."""

    column: str
    gaps: tuple[Gap, ...]
    left_out: tuple[str, ...]


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
    kept = _large_groups(rows, min_rows)
    pairs = len(kept) * (len(kept) - 1) // 2
    watched = [one for one in list_measures(rows) if one.name != IMPACT and pairs]
    asked = [Asked(column, rows, measure, tuple(kept)) for measure in watched]
    sure = 1.0 - (1.0 - confidence) / max(1, 2 * pairs * len(asked))
    names = {*np.unique(rows.groups.codes).tolist()} - {*kept}
    gaps = measure_gaps(asked, sure, sure, rounds)
    return Fairness(column, tuple(gaps), tuple(sorted(rows.groups.names[code] for code in names)))


@dataclass(frozen=True, eq=False)
class Asked:
    """The groups of a column that are to be compared in a measure, by their codes.

    Of `minor` ones a gap is told where it is sure; that there is none, they need not show.
    """

    column: str
    rows: GroupedRows
    measure: Measure
    groups: tuple[int, ...]
    minor: tuple[int, ...] = ()


def measure_gaps(
    asked: list[Asked], sure: float, shown: float, rounds: int, most_rounds: int = MAX_ROUNDS
) -> list[Gap]:
    """Measure gaps on the same rounds, all of them at once.

    Parameters
    ----------
    asked
        Of rows with the same blocks.
    sure, shown
        The one-sided confidence of a gap's lower and of its upper bound.
    """
    if not asked:
        return []
    losses = [_by_block(one, code) for one in asked for code in one.groups]
    drawn = draw_losses(losses, rounds, max(sure, shown), SEED, most_rounds)
    gaps, first = [], 0
    for one in asked:
        places = range(first, first + len(one.groups))
        part = Drawn(drawn.values[places.start : places.stop], drawn.points[places], drawn.blocks)
        gaps.append(_gap(one, part, sure, shown))
        first = places.stop
    return gaps


def _large_groups(rows: GroupedRows, min_rows: int) -> list[int]:
    counts = np.bincount(rows.groups.codes[np.isfinite(rows.labels)], minlength=len(rows.groups.names))
    order = [code for code in np.argsort(-counts, kind="stable").tolist() if counts[code] >= min_rows]
    return order[:MAX_GROUPS]


def _gap(asked: Asked, drawn: Drawn, sure: float, shown: float) -> Gap:
    most, least, difference = _difference(asked)
    if asked.measure.name == IMPACT:
        drawn = drawn.logs
    needed = [asked.groups.index(code) for code in asked.groups if code not in asked.minor]
    surely = [drawn.interval(sure, *pair) for pair in combinations(range(len(asked.groups)), 2)]
    at_most = [drawn.interval(shown, *pair) for pair in combinations(needed, 2)]
    gap = Gap(
        column=asked.column,
        measure=asked.measure.name,
        most=most,
        least=least,
        difference=difference,
        lower=max((max(one.lower, -one.upper, 0.0) for one in surely), default=0.0),
        upper=max((max(0.0, -one.lower, one.upper) for one in at_most), default=math.inf),
    )
    if not gap.is_ratio:
        return gap
    return replace(gap, lower=math.exp(-gap.upper), upper=math.exp(-gap.lower))


def _difference(asked: Asked) -> tuple[str, str, float]:
    """Return the groups that have most and least, and fairlearn's difference, or ratio, between them."""
    from fairlearn.metrics import MetricFrame

    rows, measure = asked.rows, asked.measure
    is_counted: BoolArray = measure.is_counted & np.isin(rows.groups.codes, asked.groups)
    if not is_counted.any():
        return "", "", math.nan
    labels, decided, codes, weights = _weighed(
        np.nan_to_num(rows.labels[is_counted]),
        measure.decided[is_counted],
        rows.groups.codes[is_counted].astype(np.intp),
        rows.task,
    )
    frame = MetricFrame(
        metrics=measure.metric,
        y_true=labels,
        y_pred=decided,
        sensitive_features=np.array(rows.groups.names, dtype=object)[codes],
        sample_params={"sample_weight": weights},
    )
    by_group = frame.by_group.astype("float64")
    most = str(by_group.idxmax())
    least = str(by_group.drop(most).idxmin()) if by_group.size > 1 else most
    if measure.name == IMPACT:
        return most, least, float(frame.ratio(method="between_groups"))
    return most, least, float(frame.difference(method="between_groups")) / measure.unit


def _weighed(
    labels: FloatArray, decided: FloatArray, codes: IntArray, task: Task
) -> tuple[FloatArray, FloatArray, IntArray, FloatArray]:
    """Take equal rows once, with their number: fairlearn takes a microsecond for each row and group."""
    if task is Task.REGRESSION:
        return labels, decided, codes, np.ones(labels.size)
    rows = np.stack([labels, decided, codes.astype(np.float64)], axis=1)
    size = int(rows.max()) + 1
    keys = np.ravel_multi_index(rows.astype(np.intp).T, (size, size, size))
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return labels[first], decided[first], codes[first], counts.astype(np.float64)


def _by_block(asked: Asked, code: int) -> MeanBlockLoss:
    rows, values = asked.rows, asked.measure.values
    chosen: BoolArray = asked.measure.is_counted & (rows.groups.codes == code)
    size, blocks = int(rows.positions.max(initial=-1)) + 1, rows.positions[chosen]
    sums = np.bincount(blocks, weights=values[chosen], minlength=size).astype(np.float64)
    counts = np.bincount(blocks, minlength=size).astype(np.float64)
    return MeanBlockLoss(sums, counts, root=False)
