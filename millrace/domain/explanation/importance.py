"""How much more does a model lose when what it is told in one column is another row's?"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.bootstrap import Interval, excess_interval
from millrace.domain.config import Metric
from millrace.domain.losses import BlockLoss, IntArray, StrArray, block_loss

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.explanation.asked import Asked

Told = Callable[[int, int], None]
"""Hears how many of how many measurements are done."""


@dataclass(frozen=True)
class Importance:
    """How much more is lost with the values of a column shuffled, with a one-sided bound on either side.

    The bounds of all columns hold together: the error is divided by their number. They are None where there
    are too few blocks for one.
    """

    name: str
    excess_loss: float
    lower: float | None
    upper: float | None

    @property
    def is_sure(self) -> bool:
        """Whether more than nothing is surely lost without it."""
        return self.lower is not None and self.lower > 0.0


@dataclass(frozen=True, eq=False)
class MeanLoss(BlockLoss):
    """The mean of several losses over the same blocks."""

    losses: tuple[BlockLoss, ...]

    @property
    def blocks(self) -> int:
        return self.losses[0].blocks

    def resampled(self, weights: FloatArray) -> FloatArray:
        mean: FloatArray = np.mean([loss.resampled(weights) for loss in self.losses], axis=0)
        return mean


def measure_importance(  # noqa: PLR0913 - the rows, and how they are measured
    asked: "Asked",
    features: "pd.DataFrame",
    labels: FloatArray,
    blocks: StrArray | IntArray,
    metric: Metric,
    *,
    repeats: int,
    confidence: float,
    rounds: int,
    seed: int,
    told: Told = lambda _done, _all: None,
) -> tuple[Importance, ...]:
    """Shuffle each column `repeats` times, and measure what is then lost; the most important comes first.

    The bounds are of the rows: another sample of blocks would lose otherwise. Columns that say the same
    share their importance: shuffling one leaves the other.

    References
    ----------
    Breiman, "Random Forests", Machine Learning 45 (2001), section 10; `excess_interval` for the bounds.
    """
    from sklearn.inspection import permutation_importance

    kept: list[BlockLoss] = []
    total = 1 + repeats * features.shape[1]

    def score(asked: "Asked", rows: "pd.DataFrame", truth: FloatArray) -> float:
        kept.append(block_loss(metric, truth, asked.predict(rows), blocks))
        told(len(kept), total)
        return -kept[-1].point

    permutation_importance(
        asked, features, labels, scoring=score, n_repeats=repeats, random_state=seed, n_jobs=1
    )
    # scikit-learn scores the rows as they are first, then every shuffle of one column after the other
    whole, shuffled = kept[0], kept[1:]
    # each of many worthless columns may look well by chance: so that one seldom does (Bonferroni)
    sure = 1.0 - (1.0 - confidence) / max(1, features.shape[1])
    found = []
    for at, name in enumerate(features.columns):
        loss = MeanLoss(tuple(shuffled[at * repeats : (at + 1) * repeats]))
        found.append(_importance(str(name), excess_interval(loss, whole, rounds, sure, seed)))
    return tuple(sorted(found, key=lambda one: (-one.excess_loss, one.name)))


def _importance(name: str, excess: Interval) -> Importance:
    lower, upper = (bound if math.isfinite(bound) else None for bound in (excess.lower, excess.upper))
    return Importance(name, excess.mean, lower, upper)
