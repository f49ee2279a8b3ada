"""Is what is measured of two versions what was planted in the log?"""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.kinds import Task
from millrace.domain.rollout.measure import LoggedRows, Sliced, Thresholds, measure_arms, measure_slices

NAN = np.nan


def logged(
    challenger: list[bool],
    answers: list[float],
    *,
    latency: list[float] | None = None,
    scores: list[float] | None = None,
    labels: list[float] | None = None,
) -> LoggedRows:
    """Return rows of which the other version scored each, where there are scores."""
    n, by = len(challenger), np.array(challenger, dtype=bool)
    return LoggedRows(
        answered_by=by,
        failed=np.zeros(n, dtype=bool),
        answers=np.array(answers),
        latency_us=np.array(latency or [1000.0] * n),
        is_scored=np.full(n, scores is not None),
        scored_by=~by,
        score_failed=np.zeros(n, dtype=bool),
        scores=np.array(scores or [NAN] * n),
        labels=np.array(labels or [NAN] * n),
    )


def test_a_canary_is_measured_on_the_rows_of_each() -> None:
    rows = logged(
        [False, False, True, True, True],
        [0.2, 0.4, 0.9, NAN, 0.7],
        latency=[100.0, 100.0, 90.0, 160.0, 149.0],
        labels=[0.0, NAN, 1.0, 1.0, NAN],
    )
    found = measure_arms(rows, Task.BINARY, latency_ratio=1.5)
    champion, challenger = found.champion, found.challenger
    assert (champion.requests, champion.errors, champion.p95) == (2, 0, 100.0)
    assert (challenger.requests, challenger.errors, challenger.slow) == (3, 1, 1)
    assert champion.answers.mean == pytest.approx(0.3)
    assert challenger.answers.mean == pytest.approx(0.8)
    assert (champion.losses.n, challenger.losses.n) == (1, 1)
    assert challenger.losses.mean == pytest.approx(0.01)
    assert (found.shifts.n, found.excess_losses.n, found.disagreements) == (0, 0, 0)


def test_a_shadow_is_measured_on_the_same_rows_and_has_no_latency() -> None:
    rows = logged(
        [False, False, False, False],
        [0.2, 0.4, 0.6, 0.6],
        scores=[0.3, 0.6, NAN, 0.6],
        labels=[0.0, 1.0, 1.0, NAN],
    )
    found = measure_arms(rows, Task.BINARY, latency_ratio=1.5)
    assert (found.challenger.requests, found.challenger.errors, found.challenger.p95) == (4, 1, None)
    assert (found.shifts.n, found.disagreements, found.excess_losses.n) == (3, 1, 2)
    assert found.shifts.mean == pytest.approx(0.1)
    assert found.excess_losses.mean == pytest.approx((0.09 - 0.04 + 0.16 - 0.36) / 2)


def test_each_version_decides_by_its_own_threshold() -> None:
    rows = logged([False, False, True], [0.05, 0.2, 0.2], scores=[0.3, 0.3, 0.05])
    assert measure_arms(rows, Task.BINARY, 1.5).disagreements == 0
    at = {"thresholds": Thresholds(champion=0.1, challenger=0.1)}
    assert measure_arms(rows, Task.BINARY, 1.5, **at).disagreements == 2
    at = {"thresholds": Thresholds(champion=0.1, challenger=0.5)}
    assert measure_arms(rows, Task.BINARY, 1.5, **at).disagreements == 1
    exactly = logged([False], [0.1], scores=[0.5])
    at = {"thresholds": Thresholds(champion=0.1, challenger=0.5)}
    assert measure_arms(exactly, Task.BINARY, 1.5, **at).disagreements == 0
    slices = {"city": Sliced(("a",), np.zeros(3, dtype=np.intp))}
    found = measure_slices(replace(rows, slices=slices), Task.BINARY, 1.5, Thresholds(0.1, 0.1))
    assert found["city=a"].disagreements == 2


def test_in_probation_the_challenger_answers_and_the_signs_stay() -> None:
    rows = logged([True, True], [0.5, 0.7], scores=[0.4, 0.5], labels=[0.0, 0.0])
    found = measure_arms(rows, Task.BINARY, latency_ratio=1.5)
    assert found.shifts.mean == pytest.approx(0.15)
    assert found.excess_losses.mean == pytest.approx((0.25 - 0.16 + 0.49 - 0.25) / 2)
    assert (found.champion.p95, found.challenger.p95) == (None, 1000.0)


def test_classes_and_values_have_losses_of_their_own() -> None:
    one = logged([False], [0.0], scores=[0.0], labels=[2.0])
    classes = replace(one, answers=np.array([[0.2, 0.5, 0.3]]), scores=np.array([[0.0, 0.0, 1.0]]))
    found = measure_arms(classes, Task.MULTICLASS, 1.5)
    assert found.champion.losses.mean == pytest.approx(0.04 + 0.25 + 0.49)
    assert (found.challenger.losses.mean, found.disagreements) == (0.0, 1)
    unlabelled = measure_arms(replace(classes, labels=np.array([NAN])), Task.MULTICLASS, 1.5)
    assert unlabelled.excess_losses.n == 0
    value = logged([False], [10.0], scores=[13.0], labels=[12.0])
    found = measure_arms(value, Task.REGRESSION, 1.5)
    assert (found.champion.losses.mean, found.challenger.losses.mean) == (2.0, 1.0)
    assert (found.excess_losses.mean, found.disagreements) == (-1.0, 0)


def test_no_rows_at_all_are_no_evidence() -> None:
    found = measure_arms(logged([], []), Task.BINARY, 1.5)
    assert (found.champion.requests, found.challenger.requests, found.shifts.n) == (0, 0, 0)


def test_slices_are_measured_each_by_itself_and_add_up() -> None:
    rng = np.random.default_rng(7)
    by = rng.random(1000) < 0.5
    whole = logged(by.tolist(), rng.random(1000).tolist(), labels=(rng.random(1000) < 0.5).tolist())
    codes = rng.integers(0, 3, 1000)
    slices = {"origin": Sliced(("JFK", "LGA", "EWR"), codes)}
    sliced = measure_slices(replace(whole, slices=slices), Task.BINARY, 1.5)
    assert sorted(sliced) == ["origin=EWR", "origin=JFK", "origin=LGA"]
    total = measure_arms(whole, Task.BINARY, 1.5)
    assert sum(one.challenger.requests for one in sliced.values()) == total.challenger.requests
    together = sum((one.challenger.losses for one in sliced.values()), start=type(total.shifts)())
    assert together.total == pytest.approx(total.challenger.losses.total)
    is_jfk = codes == 0
    assert sliced["origin=JFK"].challenger.requests == int((is_jfk & by).sum())


def test_a_slice_without_a_row_is_measured_as_nothing() -> None:
    slices = {"origin": Sliced(("JFK", "LGA", "EWR"), np.array([0, 2], dtype=np.int16))}
    found = measure_slices(replace(logged([False, True], [0.2, 0.4]), slices=slices), Task.BINARY, 1.5)
    counts = [(one.champion.requests, one.challenger.requests) for one in found.values()]
    assert (list(found), counts) == (["origin=JFK", "origin=LGA", "origin=EWR"], [(1, 0), (0, 0), (0, 1)])


def test_a_failure_is_an_error_without_a_time_and_no_answer_that_is_not_finite() -> None:
    rows = logged([False, True, True, True], [0.2, NAN, NAN, 0.5], latency=[100.0, 900.0, 110.0, 120.0])
    found = measure_arms(replace(rows, failed=np.array([False, True, False, False])), Task.BINARY, 1.5)
    challenger = found.challenger
    assert (challenger.requests, challenger.errors, challenger.non_finite) == (3, 2, 1)
    assert (challenger.p50, challenger.slow) == (115.0, 0)


def test_a_shadow_that_fails_is_an_error_of_the_shadow() -> None:
    rows = logged([False, False, False], [0.2, 0.4, 0.5], scores=[0.3, NAN, NAN])
    found = measure_arms(replace(rows, score_failed=np.array([False, True, False])), Task.BINARY, 1.5)
    assert (found.challenger.requests, found.challenger.errors, found.challenger.non_finite) == (3, 2, 1)
    assert (found.champion.errors, found.shifts.n) == (0, 1)


def test_rows_that_nobody_waited_for_have_no_latency() -> None:
    found = measure_arms(logged([False, True], [0.2, 0.4], latency=[NAN, NAN]), Task.BINARY, 1.5)
    assert (found.champion.p50, found.challenger.p95, found.challenger.slow) == (None, None, 0)


def test_a_champion_that_only_shadows_is_as_fast_as_when_it_answered() -> None:
    rows = logged([True, True], [0.5, 0.7], scores=[0.4, 0.5], latency=[100.0, 200.0])
    found = measure_arms(rows, Task.BINARY, 1.5, reference_p95=120.0)
    assert (found.champion.p95, found.challenger.slow) == (120.0, 1)
    both = measure_arms(logged([False, True], [0.5, 0.7]), Task.BINARY, 1.5, reference_p95=120.0)
    assert both.champion.p95 == 1000.0
