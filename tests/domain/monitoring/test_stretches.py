"""Which rows are of one block, where a window has many of them, few, or one moment?"""

from datetime import timedelta

import numpy as np
import pytest

from millrace.domain.monitoring.stretches import MIN_STRETCHES, STRETCHES, find_stretches
from tests.domain.monitoring.labelled import DAY, times


def test_a_month_has_its_days() -> None:
    at = times(3_000)
    found = find_stretches(at, DAY)
    assert found is not None
    assert np.unique(found).size == 30
    assert np.array_equal(found, at // (86_400 * 10**6))


@pytest.mark.parametrize("length", [timedelta(days=13), timedelta(hours=1), timedelta(seconds=1)])
def test_a_shorter_window_is_divided_into_stretches_of_equally_many_rows(length: timedelta) -> None:
    at = times(2_800, length)
    shuffled = np.random.default_rng(0).permutation(2_800)
    found = find_stretches(at[shuffled], DAY)
    assert found is not None
    assert np.bincount(found).tolist() == [100] * STRETCHES
    assert (np.diff(found[np.argsort(shuffled)]) >= 0).all()


def test_rows_of_one_moment_are_together() -> None:
    at = np.repeat(times(20, timedelta(hours=1)), 50)
    found = find_stretches(at, DAY)
    assert found is not None
    for moment in np.unique(at):
        assert np.unique(found[at == moment]).size == 1


@pytest.mark.parametrize("moments", [1, MIN_STRETCHES - 1])
def test_rows_of_too_few_moments_are_divided_by_chance_and_each_time_alike(moments: int) -> None:
    at = np.repeat(times(moments, timedelta(hours=1)), 280)
    found = find_stretches(at, DAY)
    assert found is not None
    assert np.bincount(found).tolist() == [10 * moments] * STRETCHES
    assert not np.array_equal(found, np.sort(found))
    assert np.array_equal(found, find_stretches(at, DAY))


@pytest.mark.parametrize("rows", [0, 1, MIN_STRETCHES - 1])
def test_too_few_rows_are_no_blocks(rows: int) -> None:
    assert find_stretches(np.repeat(times(1), rows), DAY) is None
