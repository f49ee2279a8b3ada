"""How good was what answered, stretch by stretch and by the age of who answered?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite

import numpy as np
import numpy.typing as npt

from millrace.domain.bootstrap import excess_interval
from millrace.domain.config import GateSection, Metric
from millrace.domain.losses import FloatArray, MeanBlockLoss, StrArray, UnpairedLossesError, block_loss
from millrace.domain.replay.comparison import AgeLoss, Gap, StretchLoss

BoolArray = npt.NDArray[np.bool_]
WEEK = timedelta(weeks=1)

LEAST_STRETCHES = 5
"""Of fewer, each for the same policy, even a sign test would not be 95 % sure: 0.5 ** 4 is 6 %."""


@dataclass(frozen=True, eq=False)
class AskedRows:
    """All rows of a replayed time that have a label, by their times.

    `times` are seconds since 1970, `labels` as `label_values` gives them; all are paired by position.
    """

    times: FloatArray
    labels: FloatArray
    blocks: StrArray

    def between(self, start: datetime, end: datetime) -> BoolArray:
        """Say which rows are of `[start, end)`."""
        return (self.times >= start.timestamp()) & (self.times < end.timestamp())


@dataclass(frozen=True, eq=False)
class Champion:
    """A version, since when it served, and what it answers to the rows asked from then on, NaN before."""

    digest: str
    since: datetime
    answers: FloatArray


def answered_by(rows: AskedRows, champions: Sequence[Champion]) -> FloatArray | None:
    """Return what was answered to each row by the champion of its time, NaN before the first one.

    None without a champion.
    """
    if not champions:
        return None
    answers = np.full_like(champions[0].answers, np.nan)
    for champion in champions:
        is_its_own = rows.times >= champion.since.timestamp()
        answers[is_its_own] = champion.answers[is_its_own]
    return answers


def is_answered(answers: FloatArray) -> BoolArray:
    """Say which rows have an answer."""
    return np.asarray(np.isfinite(answers.reshape(len(answers), -1)).all(axis=1))


def answered_by_all(rows: int, answers: Sequence[FloatArray | None]) -> BoolArray:
    """Say which of so many rows every policy has answered; one that never had a champion is left out."""
    known = [is_answered(one) for one in answers if one is not None]
    return np.asarray(np.array(known).all(axis=0)) if known else np.zeros(rows, dtype=bool)


def measure_loss(
    metric: Metric, rows: AskedRows, answers: FloatArray | None, chosen: BoolArray
) -> float | None:
    """Return the loss on the chosen rows that have an answer, lower is better.

    None where it is undefined, as an AUC of one class.
    """
    if answers is None:
        return None
    chosen = chosen & is_answered(answers)
    try:
        loss = block_loss(metric, rows.labels[chosen], answers[chosen], rows.blocks[chosen]).point
    except UnpairedLossesError:
        return None
    return loss if isfinite(loss) else None


def measure_stretches(
    metric: Metric, rows: AskedRows, answers: FloatArray | None, bounds: Sequence[datetime]
) -> tuple[StretchLoss, ...]:
    """Measure what was answered between each two neighbours of `bounds`."""
    found = []
    for start, end in pairwise(bounds):
        chosen = rows.between(start, end)
        count = 0 if answers is None else int((chosen & is_answered(answers)).sum())
        found.append(StretchLoss(start, end, count, measure_loss(metric, rows, answers, chosen)))
    return tuple(found)


def measure_common(
    metric: Metric, rows: AskedRows, answers: FloatArray | None, chosen: BoolArray, bounds: Sequence[datetime]
) -> list[StretchLoss]:
    """Measure the chosen rows of each stretch between `bounds`; one without a loss is left out."""
    if answers is None:
        return []
    kept = answers.copy()
    kept[~chosen] = np.nan
    return [one for one in measure_stretches(metric, rows, kept, bounds) if one.loss is not None]


def mean_loss(stretches: Sequence[StretchLoss]) -> float | None:
    """Return the mean loss of stretches, each counted by its rows; None where there is none.

    Not the loss of all rows at once: an AUC over the answers of several versions would hold it against a
    policy that their scores are of different heights. Lower is better.
    """
    return _loss_over(stretches).point if stretches else None


def measure_gap(
    stretches: Sequence[StretchLoss], best: Sequence[StretchLoss], gate: GateSection, others: int, seed: int
) -> Gap:
    """Measure how much more is lost than by the best, on the same rows: above zero, it is worse.

    Whole stretches are drawn: what the champions of one time were is luck that its rows share. All `others`
    that the best was chosen from are bounded together at `gate.confidence` (Bonferroni). Of fewer than
    `LEAST_STRETCHES` nothing is concluded.

    Raises
    ------
    UnpairedLossesError
        If they are not of the same stretches.
    """
    own, first = _loss_over(stretches), _loss_over(best)
    if own.blocks < LEAST_STRETCHES:
        return Gap(own.point - first.point, None, None, own.blocks)
    confidence = 1.0 - (1.0 - gate.confidence) / others
    found = excess_interval(own, first, gate.rounds, confidence, seed)
    lower, upper = (bound if isfinite(bound) else None for bound in (found.lower, found.upper))
    return Gap(found.mean, lower, upper, found.blocks)


def _loss_over(stretches: Sequence[StretchLoss]) -> MeanBlockLoss:
    counts = np.array([one.rows for one in stretches], dtype=np.float64)
    return MeanBlockLoss(counts * np.array([one.loss for one in stretches]), counts, root=False)


def measure_ages(
    metric: Metric, rows: AskedRows, champions: Sequence[Champion], until: datetime
) -> tuple[AgeLoss, ...]:
    """Measure how loss grows with age: a champion answers all that comes after its training, whoever serves.

    Weeks that `until` cuts short are left out, and so are champions whose first week has no loss.
    """
    by_week: dict[int, list[tuple[int, float, float, float]]] = {}
    served = answered_by(rows, champions)
    for champion in champions:
        fresh: float | None = None
        for weeks in range((until - champion.since) // WEEK):
            start = champion.since + weeks * WEEK
            chosen = rows.between(start, start + WEEK)
            loss = measure_loss(metric, rows, champion.answers, chosen)
            of_served = measure_loss(metric, rows, served, chosen)
            fresh = loss if weeks == 0 else fresh
            if loss is not None and fresh is not None and of_served is not None:
                by_week.setdefault(weeks, []).append((int(chosen.sum()), loss, fresh, of_served))
    return tuple(_mean_of(weeks, by_week[weeks]) for weeks in sorted(by_week))


def _mean_of(weeks: int, found: list[tuple[int, float, float, float]]) -> AgeLoss:
    counts, *losses = zip(*found, strict=True)
    loss, fresh, served = (float(np.mean(one)) for one in losses)
    return AgeLoss(weeks, len(found), sum(counts), loss, fresh, served)
