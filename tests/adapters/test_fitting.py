"""Do weights, calibration and one's own pipeline do what model.toml says, and end in a graph?"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, recall_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from millrace.adapters.scorer import open_scorer
from millrace.adapters.training import (
    InvalidBuildError,
    Learned,
    NoPartsError,
    RowWeightError,
    UnsupportedPipelineError,
    answer_folds,
    answer_unseen,
    build_pipeline,
    fit_model,
    part_rows,
    row_weights,
)
from millrace.domain.bundle import Engine
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.schema import schema_of
from tests.adapters.planted import Trained, planted_config, planted_rows, train

ALL = ["linear", "hist_gradient_boosting", "random_forest", "lightgbm", "xgboost"]


def answers_of(trained: Trained, rows: pd.DataFrame) -> np.ndarray:
    return open_scorer(trained.exported.engine, trained.exported.content, trained.schema)(rows)


def last_step_is(model: Any) -> Callable[[ModelConfig], Any]:
    """Return a `build` of one's own, with the columns of the built-in linear model."""

    def build(config: ModelConfig) -> Any:
        linear = build_pipeline(planted_config(config.model.task), "linear", {}, None)
        return Pipeline([("columns", linear.named_steps["columns"]), ("last", model)])

    return build


def rare_rows(rows: int = 2_000, seed: int = 0) -> pd.DataFrame:
    """A class of one row in twelve."""
    frame = planted_rows(Task.BINARY, rows, seed)
    rng = np.random.default_rng(seed)
    frame["y"] = (frame["y"] * (rng.random(rows) < 1 / 6)).astype(int)
    return frame


def noisy_rows(seed: int) -> pd.DataFrame:
    """A quarter of the labels are turned round, so that no answer should be surer than three quarters."""
    frame = planted_rows(Task.BINARY, 1_500, seed)
    turned = np.random.default_rng(seed).random(len(frame)) < 0.25
    frame["y"] = np.where(turned, 1 - frame["y"], frame["y"])
    return frame


def weighted(task: Task, estimator: str, **training: Any) -> ModelConfig:
    plain = planted_config(task, estimator, **training).model_dump(exclude_none=True)
    plain["contract"]["columns"]["weight"] = {"type": "float"}
    plain["training"]["sample_weight"] = "weight"
    plain["retrain"]["cooldown"] = "6h"
    return ModelConfig.model_validate(plain)


@pytest.mark.parametrize("estimator", ALL)
def test_balanced_classes_find_more_of_a_rare_one(estimator: str) -> None:
    rows, fresh = rare_rows(), rare_rows(seed=1)
    found = [
        recall_score(
            fresh["y"], answers_of(train(planted_config(Task.BINARY, estimator, **how), rows), fresh) > 0.5
        )
        for how in ({}, {"class_weight": "balanced"})
    ]
    assert found[1] > found[0] + 0.03


@pytest.mark.parametrize("estimator", ALL)
def test_a_row_of_weight_nothing_is_not_learned_from(estimator: str) -> None:
    rows = planted_rows(Task.REGRESSION)
    lying = pd.concat([rows, rows.assign(y=1_000.0)], ignore_index=True)
    lying["weight"] = np.repeat([1.0, 0.0], len(rows))
    trained = train(weighted(Task.REGRESSION, estimator), lying)
    assert np.abs(answers_of(trained, planted_rows(Task.REGRESSION, seed=1))).max() < 10.0


def test_class_weights_and_row_weights_multiply() -> None:
    rows = rare_rows()
    rows["weight"] = np.random.default_rng(0).uniform(0.5, 2.0, len(rows))
    by_both = train(weighted(Task.BINARY, "xgboost", class_weight="balanced"), rows)
    share = rows["y"].mean()
    by_hand = rows.assign(weight=rows["weight"] * np.where(rows["y"] == 1, 0.5 / share, 0.5 / (1.0 - share)))
    np.testing.assert_allclose(
        answers_of(by_both, rows),
        answers_of(train(weighted(Task.BINARY, "xgboost"), by_hand), rows),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([1.0, -2.0, 1.0], "-2 in 1 of 3 rows"),
        ([1.0, None, 1.0], "nan in 1 of 3 rows"),
        ([1.0, np.inf, 1.0], "inf in 1 of 3 rows"),
        ([0.0, 0.0, 0.0], "0 in all of 3 rows"),
    ],
)
def test_what_is_no_weight_is_refused_with_the_number(weights: list[Any], found: str) -> None:
    config = weighted(Task.BINARY, "linear")
    with pytest.raises(RowWeightError, match=f"sample_weight is 'weight': found {found}"):
        row_weights(pd.DataFrame({"weight": weights}), config)


def test_the_folds_of_a_search_learn_by_weights_and_are_judged_as_they_are() -> None:
    rows = planted_rows(Task.REGRESSION)
    config = weighted(Task.REGRESSION, "linear")
    features = feature_frame(rows, schema_of(config, ()).inputs)
    labels = rows["y"].to_numpy() + np.where(np.arange(len(rows)) < 400, 0.0, 100.0)
    weights = np.where(np.arange(len(rows)) < 400, 1.0, 0.0)
    train_rows, judged = np.arange(0, 800, 2), np.arange(1, 800, 2)
    answers = answer_folds(config, None, features, labels, weights)({}, train_rows, judged)
    assert answers.shape == (400,)
    assert np.abs(answers).max() < 10.0


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
@pytest.mark.parametrize("estimator", ALL)
def test_every_calibrated_estimator_becomes_a_graph_that_agrees(
    estimator: str, task: Task, method: str
) -> None:
    quick = {"max_iter": 20} if estimator == "hist_gradient_boosting" else {}
    few = {"n_estimators": 20} if estimator not in {"linear", "hist_gradient_boosting"} else quick
    trained = train(planted_config(task, estimator, calibration=method, parameters=few), planted_rows(task))
    assert (trained.exported.engine, trained.exported.reason) == (Engine.ONNX, None)
    fresh = planted_rows(task, seed=2)
    wanted = trained.pipeline.predict_proba(feature_frame(fresh, trained.schema.inputs))
    answers = answers_of(trained, fresh)
    np.testing.assert_allclose(answers, wanted[:, 1] if task is Task.BINARY else wanted, atol=1e-4)
    if task is Task.MULTICLASS:
        np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_mends_a_model_that_is_too_sure_of_itself(method: str) -> None:
    # deep trees learn the noise by heart
    deep = {"n_estimators": 100, "max_depth": 8}
    rows, fresh = noisy_rows(0), noisy_rows(1)
    plain = train(planted_config(Task.BINARY, "xgboost", parameters=deep), rows)
    mended = train(planted_config(Task.BINARY, "xgboost", parameters=deep, calibration=method), rows)
    assert mended.exported.engine is Engine.ONNX
    before, after = (brier_score_loss(fresh["y"], answers_of(one, fresh)) for one in (plain, mended))
    assert after < 0.9 * before


def test_calibration_keeps_the_classes_as_they_are_in_spite_of_class_weights() -> None:
    rows, fresh = rare_rows(3_000), rare_rows(3_000, seed=1)
    balanced = train(planted_config(Task.BINARY, "linear", class_weight="balanced"), rows)
    both = train(planted_config(Task.BINARY, "linear", class_weight="balanced", calibration="isotonic"), rows)
    assert answers_of(balanced, fresh).mean() > 2.0 * fresh["y"].mean()
    assert answers_of(both, fresh).mean() == pytest.approx(fresh["y"].mean(), abs=0.02)


def test_class_weights_that_only_rows_can_carry_are_refused_with_a_calibration() -> None:
    config = planted_config(Task.BINARY, "xgboost", class_weight="balanced", calibration="sigmoid")
    with pytest.raises(
        UnsupportedPipelineError, match=r"class_weight is set, but .* XGBClassifier, which has no"
    ):
        train(config, rare_rows())


def test_weights_calibration_and_a_graph_work_for_ones_own_pipeline_too() -> None:
    config = weighted(Task.BINARY, "pipeline:build", class_weight="balanced", calibration="sigmoid")
    rows = rare_rows()
    rows["weight"] = 1.0
    trained = train(config, rows, last_step_is(LogisticRegression()))
    assert trained.exported.engine is Engine.ONNX
    assert trained.pipeline.named_steps["last"].estimator.class_weight == "balanced"


def test_a_last_step_without_weights_is_named() -> None:
    rows = rare_rows()
    rows["weight"] = 1.0
    with pytest.raises(UnsupportedPipelineError, match="KNeighborsClassifier, which takes no weights"):
        train(weighted(Task.BINARY, "pipeline:build"), rows, last_step_is(KNeighborsClassifier()))


def test_calibration_does_not_see_labels_through_a_step_that_chooses_columns() -> None:
    # noise: nothing can be known, and the honest answer is a half
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600).astype(np.float64)
    noise = pd.DataFrame(rng.random((600, 1_500)), columns=[f"c{at}" for at in range(1_500)])
    config = planted_config(Task.BINARY, "pipeline:build", calibration="isotonic")
    learned = Learned(noise, labels, np.array([f"{at // 4:03}" for at in range(600)]))
    fitted = fit_model(
        config, {}, lambda _: make_pipeline(SelectKBest(k=100), LogisticRegression(max_iter=500)), learned
    )
    fresh = pd.DataFrame(rng.random((600, 1_500)), columns=noise.columns)
    answers = fitted.predict_proba(fresh)[:, 1]
    assert brier_score_loss(rng.integers(0, 2, 600), answers) < 0.27


def test_a_calibrated_pipeline_hears_of_row_weights_in_its_last_step_and_its_calibrators() -> None:
    rows = planted_rows(Task.BINARY)
    lying = pd.concat([rows, rows.assign(y=1 - rows["y"])], ignore_index=True)
    lying["weight"] = np.repeat([1.0, 0.0], len(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh = planted_rows(Task.BINARY, seed=1)
        answers = answers_of(train(weighted(Task.BINARY, "linear", calibration="sigmoid"), lying), fresh)
    assert np.mean((answers > 0.5) == fresh["y"]) > 0.75


def test_what_decides_without_probabilities_is_served_once_it_is_calibrated() -> None:
    config = planted_config(Task.BINARY, "pipeline:build", calibration="sigmoid")
    trained = train(config, planted_rows(Task.BINARY), last_step_is(LinearSVC()))
    assert trained.exported.engine is Engine.ONNX


def nothing(config: ModelConfig) -> None:
    """Return nothing."""


def broken(config: ModelConfig) -> Any:
    raise KeyError("depth")


def without_config() -> Any:
    return LogisticRegression()


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (last_step_is(LinearSVC()), "it returned a Pipeline up to LinearSVC, without predict_proba"),
        (nothing, "it returned None, without get_params"),
        (lambda config: LogisticRegression, "it returned the class LogisticRegression itself"),
        (broken, "it raised KeyError: 'depth'"),
        (without_config, "it raised TypeError: without_config.. takes 0 positional arguments"),
        (lambda config: Pipeline([]), "it returned Pipeline"),
    ],
)
def test_a_build_that_builds_nothing_of_use_is_named_before_any_fit(build: Any, found: str) -> None:
    config = planted_config(Task.BINARY, "pipeline:build")
    with pytest.raises(InvalidBuildError, match=f"models/planted/pipeline.py, function build: {found}"):
        build_pipeline(config, "pipeline:build", {}, build)


def test_what_cannot_be_trained_is_refused_before_the_search() -> None:
    config = planted_config(Task.BINARY, "xgboost", class_weight="balanced", calibration="sigmoid")
    with pytest.raises(UnsupportedPipelineError, match="XGBClassifier, which has no class weights"):
        answer_folds(config, None, pd.DataFrame(), np.empty(0))


def test_calibrating_what_is_no_pipeline_is_refused() -> None:
    config = planted_config(Task.BINARY, "pipeline:build", calibration="sigmoid")
    with pytest.raises(UnsupportedPipelineError, match="answers is LogisticRegression; needed is a Pipeline"):
        train(config, planted_rows(Task.BINARY), lambda config: LogisticRegression())


def test_a_bare_pipeline_of_ones_own_is_fitted_with_row_weights() -> None:
    rows = planted_rows(Task.BINARY)
    rows["weight"] = 1.0
    inner = last_step_is(LogisticRegression())
    trained = train(
        weighted(Task.BINARY, "pipeline:build"),
        rows,
        lambda config: make_pipeline(*dict(inner(config).steps).values()),
    )
    assert trained.exported.engine is Engine.ONNX


def test_every_row_is_answered_once_by_a_fit_that_has_not_seen_its_block() -> None:
    labels, blocks = np.tile([0.0, 1.0], 100), np.repeat([f"2013-01-{day:02}" for day in range(1, 21)], 10)
    for is_timed in (True, False):
        parts = part_rows(labels, blocks, is_timed=is_timed, is_classes=True)
        assert sorted(np.concatenate([judged for _, judged in parts]).tolist()) == list(range(200))
        for train_rows, judged in parts:
            assert not set(blocks[train_rows]) & set(blocks[judged])
            assert len(train_rows) + len(judged) == 200
    stretches = [
        sorted(set(blocks[judged])) for _, judged in part_rows(labels, blocks, is_timed=True, is_classes=True)
    ]
    assert stretches[0] == ["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"]


def test_too_few_blocks_or_a_class_of_one_block_are_named() -> None:
    with pytest.raises(NoPartsError, match="found 1 blocks, needed two parts"):
        part_rows(np.array([0.0, 1.0]), np.array(["a", "a"]), is_timed=False, is_classes=True)
    labels, blocks = np.array([0.0, 0.0, 1.0]), np.array(["a", "b", "c"])
    with pytest.raises(NoPartsError, match="found 3 blocks, class 'late' in those of one part only"):
        part_rows(labels, blocks, is_timed=False, is_classes=True, classes=("on time", "late"))


def test_parts_within_parts_are_named_with_all_the_blocks_there_are() -> None:
    rows = planted_rows(Task.BINARY, 40)
    config = planted_config(Task.BINARY, calibration="sigmoid")
    features = feature_frame(rows, schema_of(config, ("0", "1")).inputs)
    learned = Learned(features, rows["y"].to_numpy(dtype=np.float64), np.repeat(["a", "b"], 20))
    with pytest.raises(NoPartsError, match=r"found 2 blocks, .* and again within each part, as both are set"):
        answer_unseen(config, {}, None, learned)


def test_unseen_answers_are_worse_than_seen_ones_for_a_model_that_learns_by_heart() -> None:
    rows = planted_rows(Task.BINARY, 400)
    rows["y"] = np.random.default_rng(5).integers(0, 2, 400)
    config = planted_config(Task.BINARY, "xgboost")
    labels = rows["y"].to_numpy(dtype=np.float64)
    blocks = np.array([f"{at // 4:03}" for at in range(400)])
    learned = Learned(feature_frame(rows, schema_of(config, ("0", "1")).inputs), labels, blocks)
    unseen = answer_unseen(config, {}, None, learned)
    seen = fit_model(config, {}, None, learned).predict_proba(learned.features)[:, 1]
    assert np.mean((seen > 0.5) == labels) > 0.95
    assert np.mean((unseen > 0.5) == labels) < 0.65
