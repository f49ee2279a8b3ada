"""Does what is predicted come as often as it was predicted, but for chance?"""

from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.calibration import calibration_loss
from millrace.domain.evaluation import list_calibration_points
from millrace.domain.kinds import Task
from millrace.domain.monitoring.calibration import judge_calibration
from millrace.domain.verdict import Outcome
from tests.domain.monitoring.labelled import honest, judged, rows_of, times, yardstick

HELD_TO = yardstick(None, max_calibration_error=0.03)


def test_answers_that_are_the_probabilities_pass() -> None:
    found = judge_calibration(rows_of(*honest(20_000, 1)), HELD_TO)
    assert found.outcome is Outcome.PASS
    assert "on 20000 labels, 0.03 allowed" in found.reason


def test_answers_that_are_too_bold_fail() -> None:
    answers, labels = honest(20_000, 1)
    bold = np.clip(0.5 + 1.4 * (answers - 0.5), 0.0, 1.0)
    assert judge_calibration(rows_of(bold, labels), HELD_TO).outcome is Outcome.FAIL


def test_the_distance_of_a_few_labels_is_mostly_chance_and_no_failure() -> None:
    strict = yardstick(None, max_calibration_error=0.001)
    found = [judge_calibration(rows_of(*honest(600, seed)), strict) for seed in range(60)]
    assert sum(one.outcome is Outcome.FAIL for one in found) <= 6
    plain = [float(one.reason.split()[2]) for one in found]
    assert np.mean(plain) > 0.03


@pytest.mark.parametrize("off", [0.03, 0.1])
def test_the_bounds_hold_the_truth_most_of_the_time(off: float) -> None:
    misses = 0
    for seed in range(60):
        answers, labels = honest(3_000, seed, low=0.2, high=0.8)
        outcome = judge_calibration(
            rows_of(answers + off, labels), yardstick(None, max_calibration_error=off)
        ).outcome
        misses += outcome is not Outcome.INCONCLUSIVE
    assert misses <= 12  # each bound is wrong once in twenty


def test_the_distance_is_that_of_the_curve_which_people_see() -> None:
    answers, labels = honest(5_000, 1)
    points = list_calibration_points(judged(answers, labels), Task.BINARY)
    by_curve = np.mean([abs(one.predicted - one.actual) for one in points])
    rows = rows_of(answers, labels)
    loss = calibration_loss(rows.answers, rows.labels, rows.at)
    assert loss.point == pytest.approx(by_curve, abs=1e-5)


def test_the_same_answer_to_all_is_in_one_tenth_whatever_came_when() -> None:
    """A model that knows but the mean is right on the mean, though labels come by seasons."""
    labels = (np.arange(5_000) % 1_000 < 300).astype(np.float64)
    rows = rows_of(np.full(5_000, 0.3), labels, np.sort(times(5_000)))
    assert calibration_loss(rows.answers, rows.labels, rows.at).point == pytest.approx(0.0)
    assert judge_calibration(rows, HELD_TO).outcome is not Outcome.FAIL
    drifting = rows_of(np.full(5_000, 0.3), np.sort(labels))
    assert calibration_loss(drifting.answers, drifting.labels, drifting.at).point == pytest.approx(0.0)


def test_of_several_classes_it_is_the_likeliest_that_counts() -> None:
    source = np.random.default_rng(0)
    answers = source.dirichlet([1.0, 1.0, 2.0], 20_000)
    labels = (source.random(20_000)[:, None] > answers.cumsum(axis=1)).sum(axis=1).astype(np.float64)
    held_to = yardstick(None, Task.MULTICLASS, max_calibration_error=0.03)
    assert judge_calibration(rows_of(answers, labels), held_to).outcome is Outcome.PASS
    assert judge_calibration(rows_of(answers, labels[::-1]), held_to).outcome is Outcome.FAIL


def test_few_labels_and_one_moment_are_inconclusive() -> None:
    few = judge_calibration(rows_of(*honest(100, 1)), HELD_TO)
    assert (few.outcome, few.reason) == (Outcome.INCONCLUSIVE, "100 labels of 500 needed")
    rows = rows_of(*honest(1_000, 1))
    at_once = judge_calibration(replace(rows, at=np.full(1_000, times(1)[0])), HELD_TO)
    assert at_once.outcome is Outcome.INCONCLUSIVE


def test_more_blocks_than_resolve_anything_merge_and_the_distance_stays() -> None:
    rows = rows_of(*honest(3_000, 1))
    whole = calibration_loss(rows.answers, rows.labels, np.zeros(3_000, dtype=np.intp))
    by_row = calibration_loss(rows.answers, rows.labels, np.arange(3_000))
    assert by_row.blocks == 500
    assert by_row.point == pytest.approx(whole.point)
