"""What does the gate keep of how good a version was?"""

import itertools

import numpy as np
import pytest

from millrace.domain.config import Metric
from millrace.domain.evaluation import list_calibration_points
from millrace.domain.kinds import Task
from millrace.domain.level import MIN_SLICE_ROWS, measure_level, tenth_of
from tests.domain.monitoring.labelled import gate, honest, judged, level


def test_a_level_is_the_loss_with_bounds_and_a_table_of_tenths() -> None:
    answers, labels = honest(20_000, 1)
    found = level(Task.BINARY, answers, labels)
    assert (found.metric, found.rows, found.blocks, len(found.tenths)) == ("brier", 20_000, 28, 10)
    assert found.loss == pytest.approx(np.square(answers - labels).mean())
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < found.loss < found.upper
    assert sum(one.rows for one in found.tenths) == 20_000
    for one, other in itertools.pairwise(found.tenths):
        assert one.up_to is not None
        assert one.mean_answer < one.up_to < other.mean_answer
    assert found.tenths[-1].up_to is None
    weighed = sum(one.rows * one.mean_loss for one in found.tenths) / 20_000
    assert weighed == pytest.approx(found.loss, rel=1e-4)


def test_the_table_is_that_of_the_curve_which_people_see() -> None:
    answers, labels = honest(20_000, 1)
    points = list_calibration_points(judged(answers, labels), Task.BINARY)
    for one, point in zip(level(Task.BINARY, answers, labels).tenths, points, strict=True):
        assert one.mean_answer == pytest.approx(point.predicted, abs=1e-3)
        assert one.mean_label == pytest.approx(point.actual, abs=2e-2)


@pytest.mark.parametrize("values", [1, 2, 4])
def test_equal_answers_are_in_one_tenth(values: int) -> None:
    source = np.random.default_rng(0)
    answers = source.integers(0, values, 2_000) / 7.0
    found = level(Task.BINARY, answers, (source.random(2_000) < 0.5).astype(float))
    assert len(found.tenths) == values
    for one in found.tenths:
        mine = tenth_of(answers, found.tenths) == found.tenths.index(one)
        assert mine.sum() == one.rows
        assert answers[mine].mean() == pytest.approx(one.mean_answer, rel=1e-5)


def test_of_several_classes_the_table_is_of_the_likeliest() -> None:
    source = np.random.default_rng(0)
    answers = source.dirichlet([1.0, 1.0, 2.0], 20_000)
    labels = (source.random(20_000)[:, None] > answers.cumsum(axis=1)).sum(axis=1).astype(np.float64)
    for one in level(Task.MULTICLASS, answers, labels).tenths:
        assert one.mean_label == pytest.approx(one.mean_answer, abs=0.05)


def test_slices_have_levels_of_their_own_unless_they_are_small() -> None:
    answers, labels = honest(2_000, 1)
    names = ["rare"] * (MIN_SLICE_ROWS - 1) + ["day"] * 1_000 + ["night"] * (1_001 - MIN_SLICE_ROWS)
    found = level(Task.BINARY, answers, labels, tariff=names)
    assert [(one.name, one.rows) for one in found.slices] == [("tariff=day", 1_000), ("tariff=night", 901)]
    is_day = np.array(names) == "day"
    assert found.slices[0].loss == pytest.approx(np.square(answers - labels)[is_day].mean())


def test_what_has_no_loss_has_no_level() -> None:
    answers, labels = honest(2_000, 1)
    for given in (np.full(2_000, np.nan), np.empty(0)):
        assert measure_level(judged(given, labels[: given.size]), Task.BINARY, gate(Metric.BRIER)) is None
    assert measure_level(judged(answers, np.ones(2_000)), Task.BINARY, gate(Metric.AUC)) is None


def test_answers_that_are_no_probabilities_have_no_level() -> None:
    answers, labels = honest(2_000, 1)
    beyond = np.where(answers == answers.max(), 1.5, answers)
    assert measure_level(judged(beyond, labels), Task.BINARY, gate(Metric.LOG_LOSS)) is None
