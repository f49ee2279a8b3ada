"""Is a number of this batch as far from those of accepted batches as chance would hardly bring it?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NORMAL_MAD = 1.4826
"""What makes the median absolute deviation of normal numbers their standard deviation."""

_SMALL_SAMPLES = 0.8
"""Of n numbers the median absolute deviation is too small by n / (n - 0.8); Croux and Rousseeuw (1992)."""

_EFFICIENCY = 0.45
"""What the median absolute deviation of n numbers tells of their spread, as a share of what n - 1 degrees of
freedom would: 37 % for many numbers (Rousseeuw and Croux, 1993), a little more for the few of a chart."""


@dataclass(frozen=True)
class Reading:
    """One number of one batch on the chart's scale, and the variance that its finite rows alone give it."""

    value: float
    variance: float


@dataclass(frozen=True)
class Usual:
    """What the accepted batches say: their centre, and the variance between batches beyond sampling."""

    centre: float
    between: float
    batches: int


def read_share(hits: int, rows: int) -> Reading:
    """Put a share on the scale where its sampling variance does not depend on it.

    References
    ----------
    Anscombe, F. J. (1948), The transformation of Poisson, binomial and negative-binomial data.
    """
    return Reading(2.0 * math.asin(math.sqrt((hits + 0.375) / (rows + 0.75))), 1.0 / rows)


def learn_usual(history: Sequence[Reading]) -> Usual:
    """Learn from accepted batches, by medians: one odd batch that a person released moves little."""
    values = np.array([one.value for one in history])
    centre = float(np.median(values))
    correction = len(values) / (len(values) - _SMALL_SAMPLES)
    spread = _NORMAL_MAD * correction * float(np.median(np.abs(values - centre)))
    sampling = float(np.median([one.variance for one in history]))
    return Usual(centre, max(0.0, spread**2 - sampling), len(values))


def excess_of(reading: Reading, usual: Usual) -> float:
    """Return how far the reading is above the centre, in standard deviations of such a reading.

    Its variance is that between batches, that of its own sampling (Laney's p' chart), and that of the centre.

    References
    ----------
    Laney, D. B. (2002), Improved control charts for attributes, Quality Engineering 14.
    """
    variance = (usual.between + reading.variance) * (1.0 + 1.0 / usual.batches)
    return (
        (reading.value - usual.centre) / math.sqrt(variance) if variance > 0 else _of_constant(reading, usual)
    )


def _of_constant(reading: Reading, usual: Usual) -> float:
    return 0.0 if reading.value == usual.centre else math.copysign(math.inf, reading.value - usual.centre)


def limit_of(batches: int, chance: float) -> float:
    """Return the excess that honest batches go beyond with `chance`, by Student's t: spreads are learned."""
    from scipy.stats import t

    # with n - 1 degrees of freedom, as if the spread were a standard deviation, honest batches would be
    # beyond the limit 3 to 8 times as often as is said
    return float(t.isf(chance, max(1.0, _EFFICIENCY * (batches - 1))))


def share_on_scale(value: float) -> float:
    """Return the share that stands at `value` of the scale of `read_share`."""
    return math.sin(min(max(value, 0.0), math.pi) / 2.0) ** 2
