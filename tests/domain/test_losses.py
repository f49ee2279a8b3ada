"""Is a loss over blocks the metric that scikit-learn computes?"""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    roc_auc_score,
)

from millrace.domain.config import Metric
from millrace.domain.losses import MAX_BLOCKS, UnpairedLossesError, block_loss, metric_value, spell_loss

Floats = npt.NDArray[np.float64]

PROBABILITY_METRICS = {
    Metric.AUC: lambda labels, answers, weight: 1.0 - roc_auc_score(labels, answers, sample_weight=weight),
    Metric.LOG_LOSS: lambda labels, answers, weight: log_loss(labels, answers, sample_weight=weight),
    Metric.BRIER: lambda labels, answers, weight: brier_score_loss(labels, answers, sample_weight=weight),
}
VALUE_METRICS = {
    Metric.MAE: lambda labels, answers, weight: mean_absolute_error(labels, answers, sample_weight=weight),
    Metric.RMSE: lambda labels, answers, weight: math.sqrt(
        mean_squared_error(labels, answers, sample_weight=weight)
    ),
}
METRICS = PROBABILITY_METRICS | VALUE_METRICS


def judged_rows(metric: Metric, seed: int) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    """Two thirds of the answers are tied with others, as a tree's are."""
    source = np.random.default_rng(seed)
    blocks = np.array([f"2013-01-{day + 1:02d}" for day in source.integers(12, size=300)])
    answers = np.clip(source.random(300).round(1 + (seed % 2) * 9), 0.05, 0.95)
    if metric in PROBABILITY_METRICS:
        return (source.random(300) < answers).astype(np.float64), answers, blocks
    return source.normal(size=300), answers, blocks


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("seed", range(4))
def test_every_round_is_the_metric_with_the_rows_weighted_by_their_block(metric: Metric, seed: int) -> None:
    labels, answers, blocks = judged_rows(metric, seed)
    names, positions = np.unique(blocks, return_inverse=True)
    weights = np.random.default_rng(seed).integers(0, 4, size=(5, names.size)).astype(np.float64)
    expected = [METRICS[metric](labels, answers, row[positions]) for row in weights]
    found = block_loss(metric, labels, answers, blocks)
    assert found.resampled(weights) == pytest.approx(expected, rel=1e-12)
    assert found.point == pytest.approx(METRICS[metric](labels, answers, None), rel=1e-12)


def test_the_log_loss_of_several_classes_is_that_of_scikit_learn() -> None:
    source = np.random.default_rng(0)
    labels, answers = source.integers(3, size=200), source.dirichlet([1.0, 2.0, 3.0], size=200)
    found = block_loss(Metric.LOG_LOSS, labels, answers, np.arange(200) % 7)
    assert found.point == pytest.approx(log_loss(labels, answers, labels=[0, 1, 2]), rel=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_and_the_scale_of_scores_mean_nothing_to_an_auc(seed: int) -> None:
    labels, answers, blocks = judged_rows(Metric.AUC, seed)
    order = np.random.default_rng(seed).permutation(labels.size)
    plain = block_loss(Metric.AUC, labels, answers, blocks)
    shuffled = block_loss(Metric.AUC, labels[order], 7.0 * answers[order] - 3.0, blocks[order])
    weights = np.random.default_rng(seed).integers(0, 3, size=(20, plain.blocks)).astype(np.float64)
    np.testing.assert_array_equal(plain.resampled(weights), shuffled.resampled(weights))


def test_an_auc_is_undefined_where_a_round_draws_one_class_only() -> None:
    found = block_loss(Metric.AUC, [1.0, 1.0, 0.0], [0.2, 0.8, 0.1], np.array(["a", "a", "b"]))
    losses = found.resampled(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    np.testing.assert_array_equal(losses, [math.nan, math.nan, 0.0])


def test_labels_of_one_class_have_no_auc() -> None:
    assert math.isnan(block_loss(Metric.AUC, np.ones(4), np.arange(4.0), np.arange(4)).point)


def test_an_answer_that_is_certain_and_wrong_costs_much_and_not_infinity() -> None:
    wrong = block_loss(Metric.LOG_LOSS, [1.0, 0.0], [0.0, 1.0], np.array(["a", "b"])).point
    assert wrong == pytest.approx(-math.log(np.finfo(np.float32).eps))


def test_too_many_blocks_merge_with_their_neighbours_and_the_metric_stays() -> None:
    source = np.random.default_rng(0)
    labels, answers = (source.random(3_000) < 0.3).astype(np.float64), source.random(3_000)
    blocks = np.arange(3_000) // 2
    found = block_loss(Metric.AUC, labels, answers, blocks)
    merged = block_loss(Metric.AUC, labels, answers, blocks // 3)
    weights = source.integers(0, 3, size=(4, MAX_BLOCKS)).astype(np.float64)
    assert found.blocks == MAX_BLOCKS
    np.testing.assert_array_equal(found.resampled(weights), merged.resampled(weights))
    assert found.point == pytest.approx(1.0 - roc_auc_score(labels, answers), rel=1e-12)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(metric: Metric, odd: float) -> None:
    blocks = np.arange(3)
    with pytest.raises(UnpairedLossesError, match="found 1 answers that are NaN or infinite, needed finite"):
        block_loss(metric, [0.0, 1.0, 1.0], [0.1, odd, 0.2], blocks)
    with pytest.raises(UnpairedLossesError, match="found 1 labels that are NaN or infinite, needed finite"):
        block_loss(metric, [0.0, odd, 1.0], [0.1, 0.3, 0.2], blocks)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize(("labels", "answers", "blocks"), [(2, 3, 3), (3, 2, 3), (3, 3, 2), (3, 1, 3)])
def test_arrays_of_different_rows_are_refused(metric: Metric, labels: int, answers: int, blocks: int) -> None:
    message = rf"found \({labels},\) labels, \({answers},\) answers, \({blocks},\) blocks, needed one of each"
    with pytest.raises(UnpairedLossesError, match=message):
        block_loss(metric, np.zeros(labels), np.zeros(answers), np.arange(blocks))


@pytest.mark.parametrize("metric", list(Metric))
def test_no_row_has_no_loss(metric: Metric) -> None:
    with pytest.raises(UnpairedLossesError, match="found no row, needed at least one"):
        block_loss(metric, [], [], np.array([], dtype=np.str_))


@pytest.mark.parametrize(
    ("metric", "labels", "answers", "message"),
    [
        (Metric.AUC, [0.0, 2.0], [0.1, 0.2], "found label 2, needed 0 or 1"),
        (Metric.BRIER, [0.0, 0.5], [0.1, 0.2], "found label 0.5, needed 0 or 1"),
        (Metric.LOG_LOSS, [0.0, -1.0], [0.1, 0.2], "found label -1, needed 0 or 1"),
        (Metric.BRIER, [0.0, 1.0], [0.1, 1.2], "found answer 1.2, needed a probability from 0 to 1"),
        (Metric.LOG_LOSS, [0.0, 1.0], [-0.1, 0.2], "found answer -0.1, needed a probability from 0 to 1"),
        (Metric.LOG_LOSS, [0.0, 2.0], [[0.5, 0.5]] * 2, "found label 2, needed a class position from 0 to 1"),
        (Metric.AUC, [0.0, 1.0], [[0.5, 0.5]] * 2, r"found answers of shape \(2, 2\), needed one number"),
        (Metric.MAE, [0.0, 1.0], [[0.5, 0.5]] * 2, r"found answers of shape \(2, 2\), needed one number"),
    ],
)
def test_what_is_no_label_or_no_answer_of_a_metric_is_refused(
    metric: Metric, labels: list[float], answers: list[float], message: str
) -> None:
    with pytest.raises(UnpairedLossesError, match=message):
        block_loss(metric, labels, answers, np.arange(2))


def test_people_read_the_metric_and_not_the_loss() -> None:
    assert metric_value(Metric.AUC, 0.29) == pytest.approx(0.71)
    assert metric_value(Metric.RMSE, 0.29) == 0.29
    spelt = [spell_loss(metric, 0.25) for metric in Metric]
    assert spelt == ["AUC 0.75", "log loss 0.25", "Brier score 0.25", "MAE 0.25", "RMSE 0.25"]
