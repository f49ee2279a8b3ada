"""Do the bounds hold at all looks together, and are they worth anything?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.rollout.bounds import mean_bounds, share_bounds
from millrace.domain.rollout.sums import Sums

ALPHA = 0.05
RUNS = 300


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.97])
def test_a_share_leaves_its_bounds_at_no_look_but_for_alpha(share: float) -> None:
    rng = np.random.default_rng(7)
    hits = np.cumsum(rng.random((RUNS, 3000)) < share, axis=1)
    looks = range(20, 3001, 149)
    left = sum(any(not _holds(int(run[n - 1]), n, share) for n in looks) for run in hits)
    assert left <= ALPHA * RUNS


def _holds(hits: int, n: int, share: float) -> bool:
    bounds = share_bounds(hits, n, ALPHA)
    return bounds.lower <= share <= bounds.upper


def test_a_mean_leaves_its_bounds_at_no_look_but_for_alpha() -> None:
    rng = np.random.default_rng(7)
    numbers = rng.exponential(size=(RUNS, 5000)) - 1.0
    totals, squares = np.cumsum(numbers, axis=1), np.cumsum(numbers**2, axis=1)
    left = 0
    for run in range(RUNS):
        bounds = [
            mean_bounds(Sums(n, float(totals[run, n - 1]), float(squares[run, n - 1])), ALPHA, 2000)
            for n in range(200, 5001, 200)
        ]
        left += any(not one.lower <= 0.0 <= one.upper for one in bounds)
    assert left <= ALPHA * RUNS


def test_a_fixed_interval_is_left_far_more_often() -> None:
    """What this is for: the usual 95 % interval, looked at again and again, is wrong every third time."""
    rng = np.random.default_rng(7)
    totals = np.cumsum(rng.normal(size=(RUNS, 5000)), axis=1)
    looks = np.arange(50, 5001, 50)
    left = (np.abs(totals[:, looks - 1]) > 1.96 * np.sqrt(looks)).any(axis=1).mean()
    assert left > 0.25


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.001, 0.5))
def test_what_was_seen_is_within_the_bounds_and_more_of_it_narrows_them(
    hits: int, misses: int, alpha: float
) -> None:
    n = hits + misses
    bounds, more = share_bounds(hits, n, alpha), share_bounds(10 * hits, 10 * n, alpha)
    assert 0.0 <= bounds.lower <= bounds.upper <= 1.0
    if n:
        assert bounds.lower - 1e-9 <= hits / n <= bounds.upper + 1e-9
        assert more.upper - more.lower <= bounds.upper - bounds.lower + 1e-9


def test_nothing_seen_bounds_nothing() -> None:
    assert (share_bounds(0, 0, ALPHA).lower, share_bounds(0, 0, ALPHA).upper) == (0.0, 1.0)
    for sums in (Sums(), Sums(1, 5.0, 25.0), Sums(100, 0.0, 0.0)):
        bounds = mean_bounds(sums, ALPHA, 100)
        assert (bounds.lower, bounds.upper) == (-math.inf, math.inf)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.integers(0, 30))
def test_sums_of_parts_are_the_sums_of_the_whole(numbers: list[float], cut: int) -> None:
    def of(part: list[float]) -> Sums:
        return Sums(len(part), math.fsum(part), math.fsum(one**2 for one in part))

    whole, parts = of(numbers), of(numbers[:cut]) + of(numbers[cut:])
    assert parts.n == whole.n
    assert parts.mean == pytest.approx(whole.mean, abs=1e-6)
    assert parts.deviation == pytest.approx(float(np.std(numbers, ddof=1)), abs=1e-3)
