"""Is a number of this batch as far from those of accepted batches as chance would hardly bring it?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

_EFFICIENCY = 0.65
"""What Qn tells of the spread of n numbers, as a share of what n - 1 degrees of freedom would: 82 % for many
numbers (Rousseeuw and Croux, 1993), less for the few of a chart."""
_FEW, _EFFICIENCY_OF_FEW = 10, 0.5

_SMALL = {4: 0.512, 5: 0.844, 6: 0.611, 7: 0.857, 8: 0.669, 9: 0.872}
"""By what Qn of so few numbers is corrected; Croux and Rousseeuw (1992)."""

_MEDIAN = math.pi / 2.0
"""How much the variance of a median is beyond that of a mean."""

_DRAWS, _SEED = 400_000, 20130101
"""Of the series of honest batches that say how large their sums grow."""


@dataclass(frozen=True)
class Reading:
    """One number of one batch on the chart's scale, and the variance that its finite rows alone give it."""

    value: float
    variance: float


@dataclass(frozen=True)
class Usual:
    """What accepted batches say: their centre, the variance between them, and what `sampling` adds to it."""

    centre: float
    between: float
    sampling: float
    batches: int

    @property
    def centre_variance(self) -> float:
        """Return how unsure the centre is."""
        return _MEDIAN * (self.between + self.sampling) / self.batches

    def unsureness_beside(self, reading: Reading) -> float:
        """Return by how much a reading of more rows is surer than those it was learned from, 1 or more."""
        own = self.between + reading.variance
        return max(1.0, math.sqrt((self.between + self.sampling) / own)) if own > 0 else 1.0


def read_share(hits: int, rows: int) -> Reading:
    """Put a share on the scale where its sampling variance does not depend on it.

    References
    ----------
    Anscombe, F. J. (1948), The transformation of Poisson, binomial and negative-binomial data.
    """
    return Reading(2.0 * math.asin(math.sqrt((hits + 0.375) / (rows + 0.75))), 1.0 / rows)


def learn_usual(history: Sequence[Reading]) -> Usual:
    """Learn from accepted batches, by their median and Qn: odd batches that a person released move little.

    References
    ----------
    Rousseeuw, P. J. and Croux, C. (1993), Alternatives to the median absolute deviation, Journal of the
    American Statistical Association 88; Croux and Rousseeuw (1992) for the correction of small samples.
    """
    from statsmodels.robust.scale import qn_scale

    values = np.array([one.value for one in history])
    count = len(values)
    correction = _SMALL.get(count, count / (count + (1.4 if count % 2 else 3.8)))
    spread = correction * float(qn_scale(values))
    sampling = float(np.median([one.variance for one in history]))
    return Usual(float(np.median(values)), max(0.0, spread**2 - sampling), sampling, count)


def excess_of(reading: Reading, usual: Usual) -> float:
    """Return how far the reading is above the centre, in standard deviations of such a reading.

    Its variance is that between batches, that of its own sampling (Laney's p' chart), and that of the centre.

    References
    ----------
    Laney, D. B. (2002), Improved control charts for attributes, Quality Engineering 14.
    """
    variance = usual.between + reading.variance + usual.centre_variance
    return (
        (reading.value - usual.centre) / math.sqrt(variance) if variance > 0 else _of_constant(reading, usual)
    )


def _of_constant(reading: Reading, usual: Usual) -> float:
    return 0.0 if reading.value == usual.centre else math.copysign(math.inf, reading.value - usual.centre)


def limit_of(batches: int, chance: float) -> float:
    """Return the excess that honest batches go beyond with `chance`, by Student's t: spreads are learned."""
    from scipy.stats import t

    return float(t.isf(chance, _freedom(batches)))


@cache
def limit_of_sum(batches: int, summed: int, slack: float, chance: float, unsureness: float = 1.0) -> float:
    """Return the sum of so many excesses that honest batches go beyond with `chance`.

    What is usual is learned from `batches` of them, with the errors that this has: they are in every summand
    alike, so a limit as for known averages would stop far more honest batches than it says. Simulated.

    Parameters
    ----------
    unsureness
        By how much the standard deviation of a batch that was learned from is that of a summed one: the
        error of the centre weighs as much more where batches have grown.
    """
    source, freedom = np.random.default_rng(_SEED), _freedom(batches)
    error = unsureness * math.sqrt(_MEDIAN / batches)
    centre = source.normal(0.0, error, _DRAWS)
    spread = np.sqrt(source.chisquare(freedom, _DRAWS) / freedom * (1.0 + error**2))
    sums = np.zeros(_DRAWS)
    for _ in range(summed):
        sums = np.maximum(0.0, sums + (source.normal(size=_DRAWS) - centre) / spread - slack)
    return float(np.quantile(sums, 1.0 - chance))


def _freedom(batches: int) -> float:
    # with n - 1 degrees of freedom, as if Qn were a standard deviation, more honest batches would be
    # beyond the limit than is said
    share = _EFFICIENCY if batches >= _FEW else _EFFICIENCY_OF_FEW
    return max(1.0, share * (batches - 1))


def share_on_scale(value: float) -> float:
    """Return the share that stands at `value` of the scale of `read_share`."""
    return math.sin(min(max(value, 0.0), math.pi) / 2.0) ** 2
