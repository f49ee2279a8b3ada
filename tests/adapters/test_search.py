"""Is the search honest about time and blocks, and the same for the same seed?"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from millrace.adapters.search import (
    NoFoldError,
    NoSearchSpaceError,
    SearchResult,
    fold_loss,
    list_folds,
    search_parameters,
)
from millrace.adapters.training import answer_folds
from millrace.domain.blocks import name_blocks
from millrace.domain.config import METRICS_OF, Metric, ModelConfig, SearchPolicy
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.losses import block_loss
from millrace.domain.metric_terms import Terms
from millrace.domain.row_losses import row_losses
from millrace.domain.schema import class_names, label_values, schema_of
from tests.adapters.planted import planted_config, planted_rows

POLICY = SearchPolicy(trials=6, folds=3)


def search(config: ModelConfig, on_trial: Callable[[int, int], None] = lambda done, of: None) -> SearchResult:
    rows = planted_rows(config.model.task, rows=400)
    classes = class_names(rows, config)
    labels = label_values(rows, config, classes)
    features = feature_frame(rows, schema_of(config, classes).inputs)
    answer_fold = answer_folds(config, None, features, labels)
    return search_parameters(config, POLICY, labels, name_blocks(rows, config), answer_fold, on_trial)


@pytest.mark.parametrize("task", list(Task))
def test_the_same_seed_gives_the_same_trials_and_the_best_wins(task: Task) -> None:
    config = planted_config(task, timed=True)
    first, second = search(config), search(config)
    assert first == second
    assert [trial.number for trial in first.trials] == list(range(6))
    best = min(first.trials, key=lambda trial: trial.loss)
    assert first.parameters == best.parameters


def test_another_seed_tries_other_parameters() -> None:
    config = planted_config(Task.REGRESSION)
    other = config.model_copy(update={"training": config.training.model_copy(update={"seed": 8})})
    assert search(config).trials[1:] != search(other).trials[1:]


def test_the_stock_parameters_are_tried_first_so_that_a_search_is_never_worse() -> None:
    result = search(planted_config(Task.BINARY))
    assert result.trials[0].parameters == {"C": 1.0}


def test_parameters_fixed_in_the_file_are_kept_in_every_trial() -> None:
    config = planted_config(
        Task.BINARY, "hist_gradient_boosting", parameters={"max_iter": 5, "max_leaf_nodes": 4}
    )
    for trial in search(config).trials:
        assert (trial.parameters["max_iter"], trial.parameters["max_leaf_nodes"]) == (5, 4)
        assert "learning_rate" in trial.parameters


def test_progress_is_told_after_each_trial() -> None:
    told: list[tuple[int, int]] = []
    search(planted_config(Task.BINARY), lambda done, of: told.append((done, of)))
    assert told == [(number, 6) for number in range(1, 7)]


@pytest.mark.parametrize("timed", [True, False])
def test_no_block_is_learned_from_and_judged_in_one_fold(timed: bool) -> None:
    config = planted_config(Task.REGRESSION, timed=timed)
    rows = planted_rows(Task.REGRESSION)
    blocks = name_blocks(rows, config)
    folds = list(list_folds(config, 4, rows["y"].to_numpy(), blocks))
    assert len(folds) == 4
    for train, judged in folds:
        assert not set(blocks[train]) & set(blocks[judged])
        assert len(train)
        assert len(judged)
        if timed:
            assert max(blocks[train]) < min(blocks[judged])


def test_without_time_every_row_is_judged_once() -> None:
    config, rows = planted_config(Task.REGRESSION), planted_rows(Task.REGRESSION)
    folds = list_folds(config, 4, rows["y"].to_numpy(), name_blocks(rows, config))
    judged = np.concatenate([fold[1] for fold in folds])
    assert sorted(judged) == list(range(len(rows)))


def test_a_fold_of_one_class_is_left_out_and_none_left_is_an_error() -> None:
    config, rows = planted_config(Task.BINARY, timed=True), planted_rows(Task.BINARY)
    blocks = name_blocks(rows, config)
    late = np.where(np.arange(len(rows)) > 650, 1.0, 0.0)
    late[-1] = 0.0
    assert not list(list_folds(config, 2, late, blocks))

    def never(parameters: Mapping[str, object], train: object, judged: object) -> np.ndarray:
        raise AssertionError("fitted without a fold")

    with pytest.raises(
        NoFoldError, match="100 training blocks give no fold to search on, needed are more than 2"
    ):
        search_parameters(config, SearchPolicy(trials=1, folds=2), late, blocks, never, lambda done, of: None)


def test_as_many_blocks_as_folds_are_too_few() -> None:
    config = planted_config(Task.REGRESSION)
    assert not list(list_folds(config, 3, np.zeros(3), np.array(["a", "b", "c"])))


def test_an_estimator_with_nothing_to_search_is_refused() -> None:
    with pytest.raises(NoSearchSpaceError, match=r"'pipeline:build' has no free hyperparameter"):
        search(planted_config(Task.BINARY, "pipeline:build"))
    with pytest.raises(NoSearchSpaceError, match=r"fixed in model\.toml: C"):
        search(planted_config(Task.BINARY, parameters={"C": 2.0}))


@pytest.mark.parametrize(
    ("metric", "perfect"),
    [(Metric.AUC, 0.0), (Metric.BRIER, 0.0), (Metric.MAE, 0.0), (Metric.RMSE, 0.0), (Metric.LOG_LOSS, 0.0)],
)
def test_every_metric_is_a_loss_that_grows_as_answers_get_worse(metric: Metric, perfect: float) -> None:
    labels = np.array([0.0, 1.0, 0.0, 1.0])
    worse = fold_loss(metric, labels, np.array([0.6, 0.4, 0.1, 0.9]))
    assert fold_loss(metric, labels, labels) == pytest.approx(perfect, abs=1e-9)
    assert fold_loss(metric, labels, np.abs(labels - 0.9)) > worse > perfect


@pytest.mark.parametrize("metric", [Metric.LOG_LOSS, Metric.BRIER])
def test_of_several_classes_a_search_and_the_gate_measure_the_same_loss(metric: Metric) -> None:
    # a fold can lack a class that the answers have a share of
    labels, answers = np.array([0.0, 2.0, 2.0]), np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.3, 0.2]])
    gate = float(row_losses(metric, labels, answers).mean())
    assert fold_loss(metric, labels, answers) == pytest.approx(gate)


@pytest.mark.parametrize(
    "metric",
    [Metric.PR_AUC, Metric.F1, Metric.BALANCED_ACCURACY, Metric.PINBALL, Metric.MAPE, Metric.AUC, Metric.MAE],
)
def test_a_search_and_the_gate_measure_the_same_loss(metric: Metric) -> None:
    source = np.random.default_rng(0)
    labels, answers = (source.random(200) < 0.5).astype(np.float64), source.random(200).round(1)
    if metric in METRICS_OF[Task.REGRESSION]:
        labels = labels + 1.0
    terms = Terms(quantile=0.8, threshold=0.5)
    gate = block_loss(metric, labels, answers, np.zeros(200, dtype=np.intp), terms).point
    assert fold_loss(metric, labels, answers, 0.8) == pytest.approx(gate, rel=1e-12)


@pytest.mark.parametrize("metric", [Metric.F1, Metric.BALANCED_ACCURACY])
def test_decisions_between_several_classes_are_searched_as_they_are_judged(metric: Metric) -> None:
    source = np.random.default_rng(0)
    labels, answers = source.integers(3, size=90).astype(np.float64), source.dirichlet(np.ones(3), size=90)
    gate = block_loss(metric, labels, answers, np.zeros(90, dtype=np.intp)).point
    assert fold_loss(metric, labels, answers) == pytest.approx(gate, rel=1e-12)
