"""Does every estimator end in a graph that answers as its pipeline does, for every task, texts and all?"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.scorer import open_scorer
from millrace.adapters.search import SPACES
from millrace.adapters.training import ESTIMATORS, build_pipeline, training_environment
from millrace.adapters.training.estimators import EstimatorParameterError
from millrace.domain.answers import answers_of
from millrace.domain.bundle import Engine
from millrace.domain.features import UnreadableColumnError, feature_columns, feature_frame
from millrace.domain.kinds import Task
from tests.adapters.planted import Trained, planted_config, planted_rows, train
from tests.adapters.test_export import strange_rows
from tests.adapters.worded import ODD_TEXTS, worded_config, worded_rows

QUICK: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 20},
    "random_forest": {"n_estimators": 20},
    "lightgbm": {"n_estimators": 20},
    "xgboost": {"n_estimators": 20},
    "linear": {},
}
NEW = ["random_forest", "lightgbm", "xgboost"]
MAX_SCORER_BYTES = 3 << 20


def both(trained: Trained, rows: pd.DataFrame) -> tuple[Any, Any]:
    answers = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)(rows)
    frame = feature_frame(rows, trained.schema.inputs)
    return answers, answers_of(trained.pipeline, frame, trained.config.model.task)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", NEW)
def test_a_new_estimator_becomes_a_graph_that_answers_nulls_and_unknown_categories_alike(
    estimator: str, task: Task
) -> None:
    config = planted_config(task, estimator, parameters=QUICK[estimator])
    trained = train(config, planted_rows(task))
    assert (trained.exported.engine, trained.exported.reason) == (Engine.ONNX, None)
    answers, wanted = both(trained, strange_rows(task))
    assert answers.shape == wanted.shape
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(answers, wanted, atol=2e-5)


def test_trees_learn_a_quantile_by_their_parameters_and_the_graph_answers_it() -> None:
    learns = {"loss": "quantile", "quantile": 0.9}
    config = planted_config(Task.REGRESSION, "hist_gradient_boosting", parameters=learns)
    trained = train(config, planted_rows(Task.REGRESSION, 3_000))
    assert (trained.exported.engine, trained.exported.reason) == (Engine.ONNX, None)
    fresh = planted_rows(Task.REGRESSION, 1_000, seed=1)
    answers, wanted = both(trained, fresh)
    np.testing.assert_allclose(answers, wanted, atol=2e-5)
    assert 0.8 < np.mean(fresh["y"] <= answers) < 0.95


@pytest.mark.parametrize("estimator", NEW)
def test_a_new_estimator_finds_the_planted_truth(estimator: str) -> None:
    trained = train(planted_config(Task.BINARY, estimator), planted_rows(Task.BINARY))
    fresh = planted_rows(Task.BINARY, seed=1)
    answers, _ = both(trained, fresh)
    assert np.mean((answers > 0.5) == fresh["y"]) > 0.75


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", list(ESTIMATORS))
def test_every_estimator_has_hyperparameters_to_search_and_takes_them(estimator: str, task: Task) -> None:
    stock = {
        name: int(span.stock) if span.whole else span.stock for name, span in SPACES[estimator, task].items()
    }
    model = build_pipeline(planted_config(task, estimator), estimator, stock, None).named_steps["model"]
    assert {name: model.get_params()[name] for name in stock} == stock


def test_a_forest_on_many_rows_stays_a_small_file() -> None:
    rows = planted_rows(Task.BINARY, 20_000)
    trained = train(planted_config(Task.BINARY, "random_forest"), rows)
    assert len(trained.exported.content) < MAX_SCORER_BYTES


def test_threads_are_not_to_be_set_for_they_change_the_bytes() -> None:
    with pytest.raises(EstimatorParameterError, match="n_jobs: is not to be set, with more threads"):
        build_pipeline(planted_config(Task.BINARY, "lightgbm"), "lightgbm", {"n_jobs": 4}, None)


def test_only_the_estimators_that_need_a_package_are_a_function_of_its_version() -> None:
    assert {"lightgbm", "onnxmltools", "xgboost-cpu"}.isdisjoint(training_environment("random_forest"))
    assert {"lightgbm", "onnxmltools"} <= training_environment("lightgbm").keys()
    assert "xgboost-cpu" not in training_environment("lightgbm")
    assert {"lightgbm", "xgboost-cpu"} <= training_environment("pipeline:build").keys()


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", list(ESTIMATORS))
def test_a_word_decides_and_the_graph_reads_any_text_as_the_pipeline_does(estimator: str, task: Task) -> None:
    config = worded_config(task, estimator, parameters=QUICK[estimator])
    trained = train(config, worded_rows(task))
    assert (trained.exported.engine, trained.exported.reason) == (Engine.ONNX, None)

    rows = worded_rows(task, rows=len(ODD_TEXTS) + 1, seed=3)
    rows["note"] = pd.Series([*ODD_TEXTS, None], dtype=object)  # half an emoji is no Arrow string
    answers, wanted = both(trained, rows)
    np.testing.assert_allclose(answers, wanted, atol=2e-5)
    alone = np.concatenate([np.atleast_1d(both(trained, rows.iloc[[at]])[0]) for at in range(len(rows))])
    np.testing.assert_allclose(alone, answers, atol=1e-6)

    said = ["KAPUTT", "fine"]
    two = pd.concat([rows.iloc[[0]]] * 2, ignore_index=True).assign(note=said)
    hit, missed = both(trained, two)[0]
    if task is Task.MULTICLASS:
        assert trained.schema.classes[int(np.argmax(hit))] == "late"
        assert trained.schema.classes[int(np.argmax(missed))] != "late"
    else:
        assert hit - missed > 0.3


@pytest.mark.parametrize(("note", "cut"), [("a{at} b{at}", "words"), ("b{at} a{at}", "pairs")])
def test_a_vocabulary_that_was_cut_within_a_pair_or_has_no_pair_becomes_a_graph(note: str, cut: str) -> None:
    rows = worded_rows(Task.REGRESSION, 400)
    # each word and each pair comes once: which of them are within the bound is a matter of the alphabet
    rows["note"] = [note.format(at=at) for at in range(len(rows))]
    config = worded_config(Task.REGRESSION, "xgboost", parameters=QUICK["xgboost"])
    trained = train(config, rows)
    [words] = [
        one for name, one, _ in trained.pipeline.named_steps["columns"].transformers_ if "text" in name
    ]
    known = {*words.vocabulary_}
    pairs = [pair for pair in known if " " in pair]
    assert any(not {*pair.split(" ")} <= known for pair in pairs) if cut == "words" else not pairs
    assert trained.exported.engine is Engine.ONNX


def test_a_null_text_is_the_empty_one_and_no_word() -> None:
    [note] = [one for one in train_inputs() if one.text]
    read = feature_columns({"note": [None, "", float("nan"), "Größe: 42", "GRÖSSE 42"]}, (note,))["note"]
    assert read.tolist() == ["", "", "", "grösse 42", "grösse 42"]


def test_a_number_among_texts_is_refused_by_the_columns_name() -> None:
    [note] = [one for one in train_inputs() if one.text]
    with pytest.raises(UnreadableColumnError, match="column 'note': found 3, needed texts"):
        feature_columns({"note": ["a", 3]}, (note,))


def train_inputs() -> Any:
    from millrace.domain.schema import schema_of

    return schema_of(worded_config(Task.BINARY), ("0", "1")).inputs
