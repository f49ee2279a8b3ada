"""What are the answers of a version held to?"""

import math
from dataclasses import dataclass
from datetime import timedelta

from millrace.domain.config import Metric, PerformanceSection
from millrace.domain.facts import Level, SliceLevel
from millrace.domain.kinds import Task
from millrace.domain.losses import spell_loss

DIGITS = 12
"""So that sums of the same numbers in another order are the same bound."""


@dataclass(frozen=True)
class Yardstick:
    """The policy, and the `level` of the gate: None where none is known of this version.

    `block` is how long rows are alike, `rounds` how many the bootstrap draws at least, `threshold` that of
    the version, where it has one.
    """

    task: Task
    metric: Metric
    level: Level | None
    block: timedelta
    policy: PerformanceSection
    rounds: int
    threshold: float | None = None

    @property
    def known_level(self) -> Level | str:
        """Return the level, or why nothing can be held to it."""
        if self.level is None:
            return "the gate's level of this version is not known here"
        if self.level.metric != self.metric.value:
            return f"the gate measured {self.level.metric}, and [gate].metric is {self.metric.value} now"
        return self.level

    def spell(self, loss: float) -> str:
        return spell_loss(self.metric, loss)


def level_of(level: Level, name: str) -> Level | SliceLevel:
    """Return the level of a slice, or that of all rows where it is not known by itself."""
    return next((one for one in level.slices if one.name == name), level)


def excess_bounds(
    loss: float, bounds: tuple[float, float], level: float, level_bounds: tuple[float | None, float | None]
) -> tuple[float, float]:
    """Bound how much more is lost than at the gate: both losses are known from some rows only.

    The level of a version that was chosen for it is a lucky one more often than not. A bound of it that is
    None is not known, and taken for the level itself.

    References
    ----------
    Bounds of a difference from those of its parts: Zou and Donner, *Construction of confidence limits about
    effect measures* (Statistics in Medicine 27, 2008).

    >>> excess_bounds(0.5, (0.46, 0.54), 0.4, (0.37, 0.43))
    (0.05, 0.15)
    """
    lower, upper = (level if bound is None else bound for bound in level_bounds)
    excess = loss - level
    below, above = math.hypot(loss - bounds[0], upper - level), math.hypot(bounds[1] - loss, level - lower)
    return round(excess - below, DIGITS), round(excess + above, DIGITS)
