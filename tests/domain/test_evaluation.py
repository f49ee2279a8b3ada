"""What a developer compares: every metric, the judged blocks one by one, predicted against actual."""

import numpy as np
import pytest

from millrace.domain.config import Metric
from millrace.domain.evaluation import (
    BINS,
    MAX_POINTS,
    list_block_points,
    list_calibration_points,
    measure_metrics,
)
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from tests.domain.judged import source_of


def judged(labels: FloatArray, challenger: FloatArray, blocks: int) -> JudgedSet:
    names = np.array([f"b{number:04}" for number in np.arange(len(labels)) * blocks // max(len(labels), 1)])
    return JudgedSet(
        source_of("set"), labels, names, challenger, None, np.full_like(challenger, 0.5), None, 0
    )


def binary(rows: int = 1000, blocks: int = 20) -> JudgedSet:
    source = np.random.default_rng(0)
    chance = source.random(rows)
    return judged((source.random(rows) < chance).astype(float), chance, blocks)


def test_both_models_are_measured_by_every_metric_of_the_task() -> None:
    measured = measure_metrics(binary(), Task.BINARY)
    assert {role: set(values) for role, values in measured.items()} == {
        "challenger": {"auc", "pr_auc", "log_loss", "brier"},
        "baseline": {"auc", "pr_auc", "log_loss", "brier"},
    }
    assert measured["challenger"]["auc"] > measured["baseline"]["auc"] == pytest.approx(0.5)


def test_what_is_undefined_is_left_out_and_never_a_nan() -> None:
    one_class = judged(np.zeros(30), np.linspace(0.1, 0.9, 30), 3)
    assert set(measure_metrics(one_class, Task.BINARY)["challenger"]) == {"log_loss", "brier"}
    assert {point.challenger for point in list_block_points("recent", one_class, Metric.AUC)} == {None}
    empty = judged(np.empty(0), np.empty(0), 1)
    assert measure_metrics(empty, Task.BINARY) == {}
    assert list_block_points("recent", empty, Metric.AUC) == list_calibration_points(empty, Task.BINARY) == []


def test_every_block_is_a_point_in_order_and_too_many_merge_without_losing_a_row() -> None:
    points = list_block_points("recent", binary(), Metric.AUC)
    assert [point.block for point in points] == [f"b{number:04}" for number in range(20)]
    assert {point.rows for point in points} == {50}
    many = list_block_points("recent", binary(blocks=500), Metric.BRIER)
    assert len(many) == MAX_POINTS
    assert sum(point.rows for point in many) == 1000
    assert [point.block for point in many] == sorted(point.block for point in many)


def test_an_honest_probability_comes_true_in_every_tenth() -> None:
    points = list_calibration_points(binary(20_000), Task.BINARY)
    assert len(points) == BINS
    assert all(point.actual == pytest.approx(point.predicted, abs=0.05) for point in points)


def test_several_classes_are_calibrated_by_the_likeliest() -> None:
    sure = np.tile([0.8, 0.1, 0.1], (50, 1))
    several = JudgedSet(
        source_of("set"), np.repeat([0.0, 1.0], [40, 10]), np.repeat("b", 50), sure, None, sure, None, 0
    )
    points = list_calibration_points(several, Task.MULTICLASS)
    assert {point.predicted for point in points} == {0.8}
    assert np.mean([point.actual for point in points]) == pytest.approx(0.8)
