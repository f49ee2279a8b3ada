"""Are a few thousand values distributed as the counts of a column are?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.domain.config import ColumnTest, DriftTest
from millrace.domain.drift import Samples, represent
from millrace.domain.drift.pieces import pieces_of
from millrace.domain.drift.representatives import MAX_COMPARED_VALUES, MAX_VALUES, OTHER
from millrace.domain.profile import NumericCounts, Profile
from tests.domain.drift.windows import count, learn, texts

RANDOM = np.random.default_rng(11)
NUMERIC_TESTS = [*DriftTest]


def sampled(then: np.ndarray, now: np.ndarray, test: DriftTest = DriftTest.WASSERSTEIN) -> Samples:
    reference = learn({"x": then})
    return represent(
        _only(reference), _only(count({"x": now}, reference)), ColumnTest(test=test, threshold=0.1)
    )


def _only(profile: Profile):
    return (*profile.numeric, *profile.categorical)[0]


def shares(values: np.ndarray) -> dict[object, float]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    return dict(zip(names.tolist(), (counts / len(values)).tolist(), strict=True))


@pytest.mark.parametrize("test", NUMERIC_TESTS)
def test_the_same_counts_give_the_same_values(test: DriftTest) -> None:
    then, now = RANDOM.normal(size=50_000), RANDOM.normal(1, 1, 700)
    first, second = sampled(then, now, test), sampled(then[::-1], now[::-1], test)
    assert np.array_equal(first.reference, second.reference)
    assert np.array_equal(first.current, second.current)


@pytest.mark.parametrize("test", NUMERIC_TESTS)
def test_there_are_as_many_values_as_rows_up_to_a_bound(test: DriftTest) -> None:
    samples = sampled(RANDOM.normal(size=50_000), RANDOM.normal(size=701), test)
    assert (len(samples.reference), len(samples.current)) == (MAX_VALUES, 701)


def test_a_column_of_few_values_is_represented_by_its_rows() -> None:
    then, now = RANDOM.poisson(3, 2_000).astype(float), RANDOM.poisson(4, 900).astype(float)
    now = np.minimum(now, then.max())
    for test in NUMERIC_TESTS:
        samples = sampled(then, now, test)
        assert np.allclose(np.sort(then), samples.reference), test
        assert np.allclose(np.sort(now), samples.current), test


def test_what_lies_between_two_edges_is_spread_evenly_and_what_is_on_one_is_there() -> None:
    column = NumericCounts(
        "x", (0.0, 10.0), counts=(7, 103), exact=(7, 3), below=2, above=1, nulls=5, non_finite=4
    )
    pieces = pieces_of(column)
    assert pieces.total == 113
    at = np.array([-1.0, 0.0, 0.001, 2.5, 10.0, 10.1])
    assert pieces.count_below(at) == pytest.approx([0, 0, 9.01, 34, 109, 113])


def test_a_value_that_many_rows_have_keeps_its_share_among_others() -> None:
    then = np.where(RANDOM.random(100_000) < 0.7, 0.0, RANDOM.exponential(size=100_000))
    samples = sampled(then, then, DriftTest.HELLINGER)
    assert abs((samples.reference == 0).mean() - (then == 0).mean()) < 1e-4


def test_the_moments_of_a_long_tail_are_those_of_the_rows() -> None:
    then = np.random.default_rng(2).lognormal(0, 2, 200_000)
    samples = sampled(then, then[:1_000])
    assert abs(samples.reference.mean() / then.mean() - 1) < 0.03
    assert abs(samples.reference.std() / then.std() - 1) < 0.03


def test_what_is_hit_in_each_of_evidentlys_bins_is_what_the_rows_hit() -> None:
    then = np.minimum(RANDOM.normal(size=100_000), 1.0)
    samples = sampled(then, then[:10_000], DriftTest.JENSEN_SHANNON)
    hits, bounds = np.histogram(then, np.histogram_bin_edges(then, bins=18))
    found = np.histogram(samples.reference, bounds)[0] / len(samples.reference)
    assert np.abs(found - hits / len(then)).max() < 1e-3
    assert hits[-1] > 16_000


def test_the_bins_that_the_reference_hits_are_few_enough_to_be_compared_one_by_one() -> None:
    for then in (RANDOM.uniform(size=600_000), RANDOM.exponential(size=600_000)):
        samples = sampled(then, then, DriftTest.PSI)
        assert len(np.unique(samples.reference)) <= MAX_COMPARED_VALUES


@pytest.mark.parametrize("test", NUMERIC_TESTS)
def test_what_lies_beyond_the_reference_is_clipped_to_its_ends(test: DriftTest) -> None:
    then, now = RANDOM.uniform(size=5_000), RANDOM.uniform(size=2_000)
    now[:3] = [1e30, -1e30, np.inf]
    samples = sampled(then, now, test)
    assert samples.current.min() >= np.float32(then.min())
    assert samples.current.max() <= np.float32(then.max())
    assert abs(np.median(samples.current) - 0.5) < 0.05


def test_categories_keep_their_shares_and_others_are_one() -> None:
    then = texts(np.repeat(np.array(["a", "b", "c"]), [600_000, 399_999, 1]))
    now = texts(np.repeat(np.array(["a", "new", "newer"]), [500, 300, 200]))
    samples = sampled(then, now, DriftTest.JENSEN_SHANNON)
    assert shares(samples.reference) == {"a": 0.6, "b": 0.4}
    assert shares(samples.current) == {"a": 0.5, OTHER: 0.5}


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.lists(st.integers(-7, 7), min_size=1))
@settings(max_examples=50, deadline=None)
def test_no_counts_are_too_few_to_be_represented(then: list[int], now: list[int]) -> None:
    for test in NUMERIC_TESTS:
        samples = sampled(np.array(then, dtype=float), np.array(now, dtype=float), test)
        assert (len(samples.reference), len(samples.current)) == (len(then), len(now))
        assert np.isfinite(samples.reference).all()
        assert np.isfinite(samples.current).all()
