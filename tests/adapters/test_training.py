"""Is the same pipeline built from the same file, and is a mistake in it named?"""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from millrace.adapters.training import (
    EmptyFeatureError,
    EstimatorParameterError,
    UnfittedError,
    UnknownEstimatorError,
    answer_folds,
    baseline_config,
    build_pipeline,
    constant_answer,
    fill_unknown,
    fit_pipeline,
)
from millrace.domain.answers import answers_of
from millrace.domain.config import Metric
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.schema import class_names, label_values, schema_of
from tests.adapters.planted import planted_config, planted_rows, train
from tests.adapters.worded import worded_config, worded_rows

BUILT_IN = ["hist_gradient_boosting", "linear"]


@pytest.mark.parametrize("estimator", BUILT_IN)
def test_a_fitted_binary_model_finds_the_planted_truth(estimator: str) -> None:
    trained = train(planted_config(Task.BINARY, estimator), planted_rows(Task.BINARY))
    fresh = planted_rows(Task.BINARY, seed=1)
    answers = answers_of(trained.pipeline, feature_frame(fresh, trained.schema.inputs), Task.BINARY)
    assert np.mean((answers > 0.5) == fresh["y"]) > 0.75


@pytest.mark.parametrize("estimator", BUILT_IN)
def test_a_fitted_regression_halves_the_error_of_its_constant(estimator: str) -> None:
    rows, fresh = planted_rows(Task.REGRESSION), planted_rows(Task.REGRESSION, seed=1)
    trained = train(planted_config(Task.REGRESSION, estimator), rows)
    answers = answers_of(trained.pipeline, feature_frame(fresh, trained.schema.inputs), Task.REGRESSION)
    error = np.sqrt(np.mean((answers - fresh["y"]) ** 2))
    assert error < fresh["y"].std() * 0.7


def test_multiclass_answers_are_in_the_order_of_the_schema() -> None:
    trained = train(planted_config(Task.MULTICLASS), planted_rows(Task.MULTICLASS))
    assert trained.schema.classes == ("early", "late", "on time")
    fresh = planted_rows(Task.MULTICLASS, seed=1)
    answers = answers_of(trained.pipeline, feature_frame(fresh, trained.schema.inputs), Task.MULTICLASS)
    named = np.array(trained.schema.classes)[answers.argmax(axis=1)]
    assert np.mean(named == fresh["y"]) > 0.6


def test_an_unknown_estimator_is_refused_with_the_nearest_one() -> None:
    config = planted_config(Task.BINARY)
    with pytest.raises(UnknownEstimatorError, match="did you mean 'hist_gradient_boosting'"):
        build_pipeline(config, "hist_gradient_bosting", {}, None)


def test_an_unknown_parameter_is_refused_with_the_nearest_one() -> None:
    config = planted_config(Task.BINARY)
    with pytest.raises(
        EstimatorParameterError, match="learning_rte: is unknown; did you mean 'learning_rate'"
    ):
        build_pipeline(config, "hist_gradient_boosting", {"learning_rte": 0.1}, None)


@pytest.mark.parametrize("name", ["categorical_features", "random_state"])
def test_parameters_that_would_break_export_or_seed_are_refused(name: str) -> None:
    config = planted_config(Task.BINARY)
    with pytest.raises(EstimatorParameterError, match="not to be set"):
        build_pipeline(config, "hist_gradient_boosting", {name: 3}, None)


def test_a_parameter_of_a_wrong_value_is_our_error_and_names_it() -> None:
    config = planted_config(Task.BINARY, "hist_gradient_boosting", parameters={"learning_rate": -1.0})
    with pytest.raises(UnfittedError, match="learning_rate"):
        train(config, planted_rows(Task.BINARY))


def test_parameters_and_seed_reach_the_estimator() -> None:
    config = planted_config(Task.BINARY)
    model = build_pipeline(config, "hist_gradient_boosting", {"max_leaf_nodes": 5}, None).named_steps["model"]
    assert (model.max_leaf_nodes, model.random_state) == (5, config.training.seed)


def test_a_custom_pipeline_is_seeded_where_it_left_the_seed_open() -> None:
    config = planted_config(Task.BINARY, "pipeline:build")
    build = lambda config: LogisticRegression()  # noqa: E731
    assert build_pipeline(config, "pipeline:build", {"C": 2.0}, build).get_params()["random_state"] == 7
    build = lambda config: LogisticRegression(random_state=1)  # noqa: E731
    assert build_pipeline(config, "pipeline:build", {}, build).get_params()["random_state"] == 1


def test_a_feature_without_any_value_is_named_before_the_fit() -> None:
    config, rows = planted_config(Task.BINARY), planted_rows(Task.BINARY)
    rows["label"] = np.nan
    with pytest.raises(EmptyFeatureError, match="label: found no value in 800 training rows"):
        train(config, rows)


@pytest.mark.parametrize("estimator", ["linear", "hist_gradient_boosting"])
def test_a_column_that_some_folds_know_nothing_of_stops_no_search(estimator: str) -> None:
    config, rows = planted_config(Task.BINARY, estimator), planted_rows(Task.BINARY)
    rows.loc[rows.index < 700, "label"] = np.nan
    classes = class_names(rows, config)
    features = feature_frame(rows, schema_of(config, classes).inputs)
    answer = answer_folds(config, None, features, label_values(rows, config, classes))
    answers = answer({}, np.arange(600), np.arange(600, 800))
    assert np.isfinite(answers).all()
    assert features["label"].iloc[:700].isna().all()
    known = fill_unknown(features.iloc[:600])
    assert set(known["label"]) == {0.0}
    assert known["my column"].equals(features["my column"].iloc[:600])
    assert fill_unknown(features) is features


def test_texts_without_any_word_are_named_before_the_fit() -> None:
    rows = worded_rows(Task.BINARY, 100)
    for empty in (None, "!!"):
        with pytest.raises(EmptyFeatureError, match="note: found no word in 100 training rows"):
            train(worded_config(Task.BINARY), rows.assign(note=pd.array([empty] * 100, dtype="str")))


def test_the_reason_of_xgboost_is_told_without_its_stack() -> None:
    config = planted_config(Task.BINARY, "xgboost", parameters={"max_depth": -3})
    with pytest.raises(UnfittedError, match="max_depth") as caught:
        train(config, planted_rows(Task.BINARY))
    assert "Stack trace" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_infinities_and_values_beyond_float32_are_learned_from_as_nulls() -> None:
    config, rows = planted_config(Task.REGRESSION), planted_rows(Task.REGRESSION)
    wild, null = rows.copy(), rows.copy()
    wild.loc[:9, "label"] = [np.inf, -np.inf, 1e300, -1e300, 1e39] * 2
    null.loc[:9, "label"] = np.nan
    assert np.array_equal(_answers(train(config, wild)), _answers(train(config, null)))


def test_the_baseline_is_the_plain_linear_model_of_the_same_file() -> None:
    config = planted_config(
        Task.BINARY, "hist_gradient_boosting", parameters={"max_iter": 5}, search={"trials": 2, "folds": 2}
    )
    assert baseline_config(config) == planted_config(Task.BINARY, "linear")
    cut = {"threshold": {"maximise": "f1"}}
    config = planted_config(Task.BINARY, "hist_gradient_boosting", **cut, calibration="sigmoid")
    assert baseline_config(config) == planted_config(Task.BINARY, "linear", **cut)


def test_the_constant_is_the_best_single_answer_for_the_metric() -> None:
    labels = np.array([0.0, 0.0, 0.0, 10.0])
    assert constant_answer(labels, Task.REGRESSION, Metric.RMSE) == 2.5
    assert constant_answer(labels, Task.REGRESSION, Metric.MAE) == 0.0
    assert constant_answer(np.arange(11.0), Task.REGRESSION, Metric.PINBALL, 0.8) == 8.0
    # an error of 1 is a whole 1, a tenth of 10 and as much of -10: whoever says 1 loses the least
    assert constant_answer(np.array([0.0, 1.0, 10.0, -10.0]), Task.REGRESSION, Metric.MAPE) == 1.0
    assert constant_answer(np.zeros(3), Task.REGRESSION, Metric.MAPE) == 0.0
    assert constant_answer(labels, Task.REGRESSION, Metric.OWN) == 2.5
    assert constant_answer(np.array([0.0, 0.0, 1.0]), Task.BINARY, Metric.F1) == 1.0
    assert constant_answer(np.array([0.0, 1.0, 1.0, 1.0]), Task.BINARY, Metric.AUC) == 0.75
    assert constant_answer(np.array([0.0, 2.0, 1.0, 2.0]), Task.MULTICLASS, Metric.LOG_LOSS) == (
        0.25,
        0.25,
        0.5,
    )


def test_fitting_twice_gives_the_same_answers() -> None:
    config = planted_config(Task.BINARY, "hist_gradient_boosting")
    first, second = (train(config, planted_rows(Task.BINARY)) for _ in range(2))
    assert np.array_equal(_answers(first), _answers(second))


def test_a_single_column_kind_needs_no_other() -> None:
    config = planted_config(Task.REGRESSION)
    numeric = config.features.model_copy(update={"categorical": ()})
    only = config.model_copy(update={"features": numeric})
    rows = planted_rows(Task.REGRESSION)
    schema = schema_of(only, ())
    pipeline = build_pipeline(only, "linear", {}, None)
    fit_pipeline(pipeline, feature_frame(rows, schema.inputs), label_values(rows, only, ()), seed=7)
    assert pipeline.n_features_in_ == 2


def _answers(trained) -> np.ndarray:  # type: ignore[no-untyped-def]
    frame: pd.DataFrame = feature_frame(
        planted_rows(trained.config.model.task, seed=3), trained.schema.inputs
    )
    return answers_of(trained.pipeline, frame, trained.config.model.task)
