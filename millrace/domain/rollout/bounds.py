"""How far can a share or a mean be from what was seen of it, however often one looks?

A bound that holds at one fixed look is broken sooner or later when it is looked at every minute. These hold
at all looks together: the chance that the truth ever leaves them is at most `alpha`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from millrace.domain.rollout.sums import Sums

_SURE = 1e-12
"""How close to 0 and 1 a share is searched for."""


@dataclass(frozen=True)
class Bounds:
    """Where the truth is, but for a chance of `alpha`."""

    lower: float
    upper: float


def share_bounds(hits: int, n: int, alpha: float) -> Bounds:
    """Bound the share of which `hits` of `n` were seen, one independent trial after another.

    Exact at every n: a share is ruled out once a uniform mixture of all shares explains what was seen
    more than 1 / alpha times better than it does.

    References
    ----------
    Robbins, *Statistical methods related to the law of the iterated logarithm* (Annals of Mathematical
    Statistics 41, 1970); Howard, Ramdas, McAuliffe, Sekhon, *Time-uniform, nonparametric, nonasymptotic
    confidence sequences* (Annals of Statistics 49, 2021), the beta-binomial mixture.

    >>> share_bounds(0, 0, 0.05)
    Bounds(lower=0.0, upper=1.0)
    """
    # scipy is 40 MiB that a controller, which only starts the looks, need not hold
    from scipy.special import betaln, xlog1py, xlogy

    limit = math.log(1.0 / alpha)
    mixture = float(betaln(1 + hits, 1 + n - hits))

    def evidence_against(share: float) -> float:
        return mixture - float(xlogy(hits, share) + xlog1py(n - hits, -share)) - limit

    seen = min(max(hits / n, _SURE), 1.0 - _SURE) if n else 0.5
    # the evidence is least at the share that was seen, and rises to both sides
    lower = _crossing(evidence_against, _SURE, seen) if hits else 0.0
    upper = _crossing(evidence_against, 1.0 - _SURE, seen) if hits < n else 1.0
    return Bounds(lower, upper)


def least_upper(n: int, alpha: float) -> float:
    """Return the upper bound of a share of which none was seen: what n trials can show at best.

    >>> round(least_upper(2_000, 0.05), 6), round(share_bounds(0, 2_000, 0.05).upper, 6)
    (0.005285, 0.005285)
    """
    return -math.expm1(math.log(alpha / (n + 1)) / n)


def mean_bounds(sums: Sums, alpha: float, tight_at: int) -> Bounds:
    """Bound a mean by what was seen of it; tightest about `tight_at` numbers, and valid at all.

    Asymptotic: it holds for samples as large as those a central limit theorem is trusted for. No bound
    at all below two numbers, nor where all are equal, which tells nothing about how they vary.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, *Time-uniform central limit theory and asymptotic
    confidence sequences* (Annals of Statistics 52, 2024), theorem 2.2, and its choice of rho.
    """
    spread = sums.deviation
    if not math.isfinite(spread) or spread == 0.0:
        return Bounds(-math.inf, math.inf)
    doubt = -2.0 * math.log(alpha)
    rho_squared = (doubt + math.log(doubt + 1.0)) / tight_at
    grown = sums.n * rho_squared + 1.0
    width = spread * math.sqrt(2.0 * grown / (sums.n**2 * rho_squared) * math.log(math.sqrt(grown) / alpha))
    return Bounds(sums.mean - width, sums.mean + width)


def _crossing(evidence_against: Callable[[float], float], far: float, seen: float) -> float:
    from scipy.optimize import brentq

    if evidence_against(far) <= 0.0:
        return far
    return float(brentq(evidence_against, *sorted((far, seen)), xtol=1e-9))
