"""Rows that a graph of trees treats alike stand together, and no answer depends on it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.adapters.tree_order import TreeOrder, find_tree_order
from millrace.domain.bundle import Engine
from millrace.domain.features import feature_columns
from millrace.domain.kinds import ColumnType, Task
from millrace.steps.score.version import for_many_rows
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.bundles import packed_model

TREES = ("hist_gradient_boosting", "random_forest", "lightgbm", "xgboost")


def opened(task: Task, estimator: str, folder: Path) -> tuple[Scorer, Path]:
    bundle = folder / write_bundle(folder, *packed_model(task, estimator))
    return load_scorer(bundle), bundle


def order_of(scorer: Scorer, bundle: Path) -> TreeOrder | None:
    return find_tree_order((bundle / Engine.ONNX.file_name).read_bytes(), scorer.schema.inputs)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", TREES)
def test_rows_are_sorted_by_the_first_splits_and_no_answer_changes(
    task: Task, estimator: str, tmp_path: Path
) -> None:
    scorer, bundle = opened(task, estimator, tmp_path)
    rows = planted_rows(task, 2_000, seed=3)
    order = order_of(scorer, bundle)
    assert order is not None
    positions = order.order(rows)
    assert sorted(positions.tolist()) == list(range(2_000))
    first = order.splits[0]
    name = scorer.schema.inputs[first.feature].name
    if not scorer.schema.inputs[first.feature].categorical:
        seen = feature_columns(rows, scorer.schema.inputs)[name][positions] <= first.limit
        assert np.count_nonzero(np.diff(seen.astype(int))) <= 1
    assert np.array_equal(for_many_rows(scorer, bundle).answer(rows), scorer.answer(rows))


def test_a_graph_without_trees_answers_rows_as_they_come(tmp_path: Path) -> None:
    scorer, bundle = opened(Task.BINARY, "linear", tmp_path)
    assert order_of(scorer, bundle) is None
    assert for_many_rows(scorer, bundle) is scorer


def test_opening_the_order_of_a_calibrated_model_says_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = planted_config(Task.BINARY, "lightgbm", calibration="sigmoid")
    bundle = tmp_path / write_bundle(tmp_path, *pack(train(config, planted_rows(Task.BINARY, 300))))
    scorer = load_scorer(bundle)
    capfd.readouterr()
    assert order_of(scorer, bundle) is not None
    assert capfd.readouterr().err == ""


def test_rows_with_texts_are_not_sorted_for_all_their_words_would_be_held_at_once(tmp_path: Path) -> None:
    scorer, bundle = opened(Task.BINARY, "hist_gradient_boosting", tmp_path)
    content = (bundle / Engine.ONNX.file_name).read_bytes()
    inputs = tuple(replace(column, text=column.type is ColumnType.STRING) for column in scorer.schema.inputs)
    assert find_tree_order(content, scorer.schema.inputs) is not None
    assert find_tree_order(content, inputs) is None
