"""Rows that a graph of trees treats alike stand together, and no answer depends on it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.scorer import Scorer, find_sorted_trees, load_scorer
from millrace.adapters.scorer.sorted_trees import SortedTrees, Split, sorting_order
from millrace.domain.bundle import Engine
from millrace.domain.kinds import ColumnType, Task
from millrace.steps.score.version import for_many_rows
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.bundles import packed_model

TREES = ("hist_gradient_boosting", "random_forest", "lightgbm", "xgboost")


def opened(task: Task, estimator: str, folder: Path) -> tuple[Scorer, Path]:
    bundle = folder / write_bundle(folder, *packed_model(task, estimator))
    return load_scorer(bundle), bundle


def trees_of(scorer: Scorer, bundle: Path) -> SortedTrees | None:
    return find_sorted_trees((bundle / Engine.ONNX.file_name).read_bytes(), scorer.schema)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", TREES)
def test_no_answer_changes(task: Task, estimator: str, tmp_path: Path) -> None:
    scorer, bundle = opened(task, estimator, tmp_path)
    rows = planted_rows(task, 2_000, seed=3)
    trees = trees_of(scorer, bundle)
    assert trees is not None
    assert trees.splits
    assert np.array_equal(trees.answer(rows), scorer.answer(rows))
    assert np.array_equal(for_many_rows(scorer, bundle).answer(rows), scorer.answer(rows))


def test_rows_are_sorted_by_the_first_split_and_within_it_by_the_second() -> None:
    seen = np.array([[5.0, 1.0], [0.0, 9.0], [np.nan, 0.0], [0.0, 0.0]], dtype=np.float32)
    order = sorting_order(seen, (Split(0, 2.0), Split(1, 3.0)))
    # a null is at most nothing; of two rows alike either may be first
    assert order.tolist()[2:] == [1, 3]
    assert set(order.tolist()[:2]) == {0, 2}


def test_a_graph_without_trees_answers_rows_as_they_come(tmp_path: Path) -> None:
    scorer, bundle = opened(Task.BINARY, "linear", tmp_path)
    assert trees_of(scorer, bundle) is None
    assert for_many_rows(scorer, bundle) is scorer


def test_opening_the_trees_of_a_calibrated_model_says_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = planted_config(Task.BINARY, "lightgbm", calibration="sigmoid")
    rows = planted_rows(Task.BINARY, 300)
    bundle = tmp_path / write_bundle(tmp_path, *pack(train(config, rows)))
    scorer = load_scorer(bundle)
    capfd.readouterr()
    trees = trees_of(scorer, bundle)
    assert trees is not None
    assert capfd.readouterr().err == ""
    assert np.array_equal(trees.answer(rows), scorer.answer(rows))


def test_rows_with_texts_are_not_sorted_for_all_their_words_would_be_held_at_once(tmp_path: Path) -> None:
    scorer, bundle = opened(Task.BINARY, "hist_gradient_boosting", tmp_path)
    content = (bundle / Engine.ONNX.file_name).read_bytes()
    inputs = tuple(replace(column, text=column.type is ColumnType.STRING) for column in scorer.schema.inputs)
    assert find_sorted_trees(content, scorer.schema) is not None
    assert find_sorted_trees(content, replace(scorer.schema, inputs=inputs)) is None
