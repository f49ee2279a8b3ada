"""What did two versions do on the rows that were logged of a step?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.config import Metric
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray, IntArray
from millrace.domain.rollout.evidence import ArmEvidence, Compared
from millrace.domain.rollout.sums import Sums
from millrace.domain.row_losses import row_losses

BoolArray = npt.NDArray[np.bool_]

PERCENTILES = (50.0, 95.0, 99.0)
EVEN = 0.5
"""From which probability on the positive class is decided for, by a version without a threshold."""


@dataclass(frozen=True)
class Thresholds:
    """From which probability on each of the two decides for the positive class."""

    champion: float = EVEN
    challenger: float = EVEN


EVENLY = Thresholds()

LOSS_METRICS = {Task.BINARY: Metric.BRIER, Task.MULTICLASS: Metric.BRIER, Task.REGRESSION: Metric.MAE}
"""How a row's loss is measured: bounded where answers are, as bounds of a mean want it. A log loss is not."""


@dataclass(frozen=True, eq=False)
class Sliced:
    """The values that a column has, and which of them each row has."""

    names: tuple[str, ...]
    codes: npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class LoggedRows:
    """Rows in any order; each was answered by one version, and may have been scored by another.

    `answered_by` and `scored_by` are True where the challenger did, `is_scored` where anybody scored,
    `failed` and `score_failed` where an error came instead. Answers have shape (n_rows,), or (n_rows,
    n_classes), and are NaN where there is none; `labels` are the value, the class 0 or 1, or the number of
    the class, NaN where there is none yet. Latencies are in microseconds, NaN where nobody waited.
    """

    answered_by: BoolArray
    failed: BoolArray
    answers: FloatArray
    latency_us: FloatArray
    is_scored: BoolArray
    scored_by: BoolArray
    score_failed: BoolArray
    scores: FloatArray
    labels: FloatArray
    slices: Mapping[str, Sliced] = field(default_factory=dict)

    def take(self, chosen: BoolArray | IntArray | slice) -> "LoggedRows":
        """Return the chosen rows, without their slices."""
        return LoggedRows(
            self.answered_by[chosen], self.failed[chosen], self.answers[chosen], self.latency_us[chosen],
            self.is_scored[chosen], self.scored_by[chosen], self.score_failed[chosen], self.scores[chosen],
            self.labels[chosen],
        )  # fmt: skip


def measure_arms(
    rows: LoggedRows,
    task: Task,
    latency_ratio: float,
    reference_p95: float | None = None,
    thresholds: Thresholds = EVENLY,
) -> Compared:
    """Measure both versions on the same rows; `latency_ratio` says what is slow, see `ArmEvidence`.

    A version's rows are those it answered and those it scored as a shadow; only the former took a time that
    a client waited, so only those have latencies. Where the champion has none, its 95th percentile is
    `reference_p95`, from when it last did.
    """
    champion = _arm(rows, task, is_challenger=False, slow_from=None)
    if champion.p95 is None:
        champion = replace(champion, p95=reference_p95)
    slow_from = None if champion.p95 is None else champion.p95 * latency_ratio
    challenger = _arm(rows, task, is_challenger=True, slow_from=slow_from)
    pairs = rows.take(rows.is_scored & (rows.answered_by != rows.scored_by))
    ours, theirs = _of_pairs(pairs)
    is_both = _is_finite(ours) & _is_finite(theirs)
    ours, theirs, labels = ours[is_both], theirs[is_both], pairs.labels[is_both]
    excess = _losses(ours, labels, task) - _losses(theirs, labels, task)
    return Compared(
        champion=champion,
        challenger=challenger,
        shifts=_sums(_told(ours) - _told(theirs)),
        disagreements=int(_decides_otherwise(ours, theirs, task, thresholds).sum()),
        excess_losses=_sums(excess[np.isfinite(excess)]),
    )


def measure_slices(
    rows: LoggedRows, task: Task, latency_ratio: float, thresholds: Thresholds = EVENLY
) -> dict[str, Compared]:
    """Measure both versions within each value of each column of `slices`, named `column=value`."""
    measured: dict[str, Compared] = {}
    for column, sliced in rows.slices.items():
        ordered = rows.take(np.argsort(sliced.codes, kind="stable"))
        ends = np.cumsum(np.bincount(sliced.codes, minlength=len(sliced.names))).tolist()
        for name, start, end in zip(sliced.names, [0, *ends], ends, strict=False):
            of_slice = ordered.take(slice(start, end))
            measured[f"{column}={name}"] = measure_arms(of_slice, task, latency_ratio, None, thresholds)
    return measured


def _arm(rows: LoggedRows, task: Task, *, is_challenger: bool, slow_from: float | None) -> ArmEvidence:
    answered = rows.answered_by == is_challenger
    scored = rows.is_scored & (rows.scored_by == is_challenger)
    answers = np.concatenate([rows.answers[answered], rows.scores[scored]])
    labels = np.concatenate([rows.labels[answered], rows.labels[scored]])
    failed = int(rows.failed[answered].sum() + rows.score_failed[scored].sum())
    # a failure takes no time that says anything about an answer
    timed = rows.latency_us[answered & ~rows.failed]
    is_finite, latencies = _is_finite(answers), timed[np.isfinite(timed)]
    losses = _losses(answers[is_finite], labels[is_finite], task)
    p50, p95, p99 = np.percentile(latencies, PERCENTILES).tolist() if latencies.size else (None,) * 3
    lost = int((~is_finite).sum())
    return ArmEvidence(
        requests=len(answers),
        errors=lost,
        non_finite=lost - failed,
        slow=0 if slow_from is None else int((latencies > slow_from).sum()),
        p50=p50,
        p95=p95,
        p99=p99,
        answers=_sums(_told(answers[is_finite])),
        losses=_sums(losses[np.isfinite(losses)]),
    )


def _of_pairs(pairs: LoggedRows) -> tuple[FloatArray, FloatArray]:
    """Return the challenger's and the champion's answers to the same rows."""
    is_ours = pairs.answered_by if pairs.answers.ndim == 1 else pairs.answered_by[:, None]
    return np.where(is_ours, pairs.answers, pairs.scores), np.where(is_ours, pairs.scores, pairs.answers)


def _decides_otherwise(ours: FloatArray, theirs: FloatArray, task: Task, thresholds: Thresholds) -> BoolArray:
    match task:
        case Task.BINARY:
            return np.asarray((ours >= thresholds.challenger) != (theirs >= thresholds.champion))
        case Task.MULTICLASS:
            return np.asarray(ours.argmax(axis=1) != theirs.argmax(axis=1))
        case Task.REGRESSION:
            return np.zeros(len(ours), dtype=bool)


def _losses(answers: FloatArray, labels: FloatArray, task: Task) -> FloatArray:
    """Return the loss of each row, NaN without a label."""
    losses, is_labelled = np.full(len(labels), np.nan), np.isfinite(labels)
    losses[is_labelled] = row_losses(LOSS_METRICS[task], labels[is_labelled], answers[is_labelled])
    return losses


def _told(answers: FloatArray) -> FloatArray:
    """Return one number for each answer: of several classes, the share of the likeliest."""
    return answers if answers.ndim == 1 else answers.max(axis=1, initial=0.0)


def _is_finite(answers: FloatArray) -> BoolArray:
    is_finite: BoolArray = np.isfinite(answers)
    return is_finite if answers.ndim == 1 else np.asarray(is_finite.all(axis=1))


def _sums(numbers: FloatArray) -> Sums:
    return Sums(int(numbers.size), float(numbers.sum()), float((numbers**2).sum()))
