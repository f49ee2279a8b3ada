"""Is a loss over blocks the metric that scikit-learn computes?"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_pinball_loss,
    mean_squared_error,
    roc_auc_score,
)

from millrace.domain.config import HIGHER_IS_BETTER, Metric
from millrace.domain.decided import decide
from millrace.domain.losses import (
    MAX_BLOCKS,
    BlockLoss,
    UnpairedLossesError,
    metric_value,
    name_loss,
    spell_loss,
)
from millrace.domain.losses import block_loss as block_loss_of
from millrace.domain.metric_terms import MissingTermError, RowLoss, Terms
from millrace.domain.row_losses import OwnLossError

Floats = npt.NDArray[np.float64]

THRESHOLD = 0.4


def asymmetric(labels: Floats, answers: Floats) -> Floats:
    """Too little costs three times as much as too much."""
    short = labels - answers
    return np.where(short > 0.0, 3.0 * short, -short)


TERMS = Terms(quantile=0.8, threshold=THRESHOLD, own=asymmetric)


def block_loss(
    metric: Metric, labels: npt.ArrayLike, answers: npt.ArrayLike, blocks: npt.NDArray[Any]
) -> BlockLoss:
    return block_loss_of(metric, labels, answers, blocks, TERMS)


PROBABILITY_METRICS = {
    Metric.PR_AUC: lambda labels, answers, weight: (
        1.0 - average_precision_score(labels, answers, sample_weight=weight)
    ),
    Metric.F1: lambda labels, answers, weight: (
        1.0 - f1_score(labels, answers >= THRESHOLD, sample_weight=weight)
    ),
    Metric.BALANCED_ACCURACY: lambda labels, answers, weight: (
        1.0 - balanced_accuracy_score(labels, answers >= THRESHOLD, sample_weight=weight)
    ),
    Metric.AUC: lambda labels, answers, weight: 1.0 - roc_auc_score(labels, answers, sample_weight=weight),
    Metric.LOG_LOSS: lambda labels, answers, weight: log_loss(labels, answers, sample_weight=weight),
    Metric.BRIER: lambda labels, answers, weight: brier_score_loss(labels, answers, sample_weight=weight),
}
VALUE_METRICS = {
    Metric.PINBALL: lambda labels, answers, weight: mean_pinball_loss(
        labels, answers, sample_weight=weight, alpha=0.8
    ),
    Metric.MAPE: lambda labels, answers, weight: mean_absolute_percentage_error(
        labels, answers, sample_weight=weight
    ),
    Metric.OWN: lambda labels, answers, weight: np.average(asymmetric(labels, answers), weights=weight),
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
        (Metric.PR_AUC, [0.0, 2.0], [0.1, 0.2], "found label 2, needed 0 or 1"),
        (Metric.F1, [0.0, 2.0], [0.1, 0.2], "found label 2, needed 0 or 1"),
        (Metric.F1, [0.0, 1.0], [0.1, 1.2], "found answer 1.2, needed a probability from 0 to 1"),
        (Metric.BALANCED_ACCURACY, [3.0, 1.0], [[0.5, 0.5]] * 2, "found label 3, needed a class position"),
        (Metric.PR_AUC, [0.0, 1.0], [[0.5, 0.5]] * 2, r"found answers of shape \(2, 2\), needed one number"),
        (Metric.MAPE, [0.0, 1.0], [1.0, 1.0], "found 1 of 2 labels that are 0, of which no error is a share"),
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
    assert spelt == [
        "AUC 0.75", "PR-AUC 0.75", "log loss 0.25", "Brier score 0.25", "F1 0.75", "balanced accuracy 0.75",
        "MAE 0.25", "RMSE 0.25", "pinball loss 0.25", "MAPE 0.25", "own loss 0.25",
    ]  # fmt: skip
    told = [name_loss(metric) for metric in Metric if metric in HIGHER_IS_BETTER]
    assert told == ["1 - AUC", "1 - PR-AUC", "1 - F1", "1 - balanced accuracy"]


# what is undefined in a round is undefined in scikit-learn too, which says so by a warning and a 0 or a 1
@given(st.integers(0, 100_000), st.integers(1, 40), st.integers(1, 12), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("metric", [Metric.PR_AUC, Metric.F1, Metric.BALANCED_ACCURACY])
def test_a_round_is_scikit_learns_metric_of_the_rows_repeated_as_they_were_drawn(
    metric: Metric, seed: int, n_rows: int, n_blocks: int, decimals: int
) -> None:
    source = np.random.default_rng(seed)
    labels = (source.random(n_rows) < 0.4).astype(np.float64)
    answers, blocks = source.random(n_rows).round(decimals), source.integers(n_blocks, size=n_rows)
    names, positions = np.unique(blocks, return_inverse=True)
    weights = source.integers(0, 3, size=(4, names.size))
    found = block_loss(metric, labels, answers, blocks)
    for round_weights, loss in zip(weights, found.resampled(weights.astype(np.float64)), strict=True):
        drawn = np.repeat(np.arange(n_rows), round_weights[positions])
        if np.unique(labels[drawn]).size < 2:
            assert math.isnan(loss)
        else:
            expected = PROBABILITY_METRICS[metric](labels[drawn], answers[drawn], None)
            assert loss == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(st.integers(0, 100_000), st.integers(2, 60), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_the_decisions_between_several_classes_are_judged_as_scikit_learn_does(
    seed: int, n_rows: int, n_classes: int
) -> None:
    source = np.random.default_rng(seed)
    labels = source.integers(n_classes, size=n_rows).astype(np.float64)
    answers, blocks = source.dirichlet(np.ones(n_classes), size=n_rows), source.integers(8, size=n_rows)
    names, positions = np.unique(blocks, return_inverse=True)
    weights = source.integers(0, 3, size=names.size)
    drawn = np.repeat(np.arange(n_rows), weights[positions])
    if np.unique(labels[drawn]).size < 2:
        return
    decided, average = decide(answers, 0.5)[drawn], "binary" if n_classes == 2 else "macro"
    recalls = [np.mean(decided[labels[drawn] == one] == one) for one in np.unique(labels[drawn])]
    expected = (
        (Metric.F1, 1.0 - f1_score(labels[drawn], decided, average=average, zero_division=0.0)),
        (Metric.BALANCED_ACCURACY, 1.0 - np.mean(recalls)),
    )
    for metric, loss in expected:
        found = block_loss(metric, labels, answers, blocks).resampled(weights[np.newaxis].astype(np.float64))
        assert found[0] == pytest.approx(loss, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("metric", [Metric.PR_AUC, Metric.F1, Metric.BALANCED_ACCURACY])
def test_labels_of_one_class_say_nothing_of_ranks_or_decisions(metric: Metric) -> None:
    for labels in (np.ones(4), np.zeros(4)):
        assert math.isnan(block_loss(metric, labels, np.linspace(0.1, 0.9, 4), np.arange(4)).point)


@pytest.mark.parametrize(
    ("metric", "needed"),
    [
        (Metric.PINBALL, "quantile"),
        (Metric.OWN, "function"),
        (Metric.F1, "threshold of the bundle"),
        (Metric.BALANCED_ACCURACY, "threshold of the bundle"),
    ],
)
def test_a_metric_is_not_measured_without_what_it_is_defined_by(metric: Metric, needed: str) -> None:
    with pytest.raises(MissingTermError, match=f"found no {needed}"):
        block_loss_of(metric, [0.0, 1.0], [0.1, 0.9], np.arange(2))


def broken(_labels: Floats, _answers: Floats) -> Floats:
    raise RuntimeError("no such price")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (lambda labels, _: labels[:1], r"found an array of shape \(1,\) for 3 rows"),
        (lambda labels, _: float(labels.sum()), r"found an array of shape \(\) for 3 rows"),
        (lambda labels, _: labels[:, np.newaxis], r"found an array of shape \(3, 1\) for 3 rows"),
        (lambda labels, _: labels / 0.0, "found 3 of 3 losses that are NaN or infinite"),
        (lambda _, answers: np.where(answers > 0.2, np.nan, 1.0), "found 1 of 3 losses that are NaN"),
        (lambda _, __: ["a", "b", "c"], "found ValueError: could not convert string"),
        (lambda _, __: None, r"found an array of shape \(\) for 3 rows"),
        (broken, "found RuntimeError: no such price"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_own_loss_that_is_no_finite_number_for_each_row_is_refused(own: RowLoss, message: str) -> None:
    with pytest.raises(OwnLossError, match=message):
        block_loss_of(Metric.OWN, [0.0, 1.0, 1.0], [0.1, 0.2, 0.3], np.arange(3), Terms(own=own))


def test_an_own_loss_that_writes_into_its_rows_changes_nobody_elses() -> None:
    def greedy(labels: Floats, answers: Floats) -> Floats:
        answers[:] = labels
        return np.abs(answers - labels) + 1.0

    labels, answers = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert block_loss_of(Metric.OWN, labels, answers, np.arange(2), Terms(own=greedy)).point == 1.0
    assert answers.tolist() == [0.5, 0.5]
