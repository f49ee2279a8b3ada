"""Does the exported scorer answer as the pipeline does, and what happens where it cannot?"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from millrace.adapters.export import (
    UnservablePipelineError,
    UntrustedTypeError,
    export_onnx,
    make_examples,
)
from millrace.adapters.scorer import open_scorer
from millrace.adapters.training import build_pipeline
from millrace.domain.answers import UnpairedAnswersError, answers_of, measure_agreement
from millrace.domain.bundle import Engine
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from tests.adapters.planted import planted_config, planted_rows, train


def strange_rows(task: Task) -> pd.DataFrame:
    rows = planted_rows(task, seed=5)
    rows.loc[:200, "carrier"] = "never seen"
    rows.loc[50:300, ["carrier", "label", "my column"]] = None
    rows.loc[100:400, "weekday"] = 99
    rows.loc[301:310, "label"] = np.inf
    return rows


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "linear"])
def test_the_graph_answers_nulls_and_unknown_categories_as_the_pipeline_does(
    estimator: str, task: Task
) -> None:
    trained = train(planted_config(task, estimator), planted_rows(task))
    assert (trained.exported.engine, trained.exported.reason) == (Engine.ONNX, None)

    rows = strange_rows(task)
    wanted = answers_of(trained.pipeline, feature_frame(rows, trained.schema.inputs), task)
    answers = open_scorer(Engine.ONNX, trained.exported.content, trained.schema)(rows)
    assert answers.shape == wanted.shape
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(answers, wanted, atol=2e-5)


def numbers_then(*steps: Any) -> Callable[[ModelConfig], Any]:
    columns = ColumnTransformer([("n", make_pipeline(SimpleImputer(), *steps), ["label", "my column"])])
    return lambda config: make_pipeline(columns, LogisticRegression(max_iter=1000))


def calibrated(config: ModelConfig) -> Any:
    return CalibratedClassifierCV(build_pipeline(config, "hist_gradient_boosting", {"max_iter": 5}, None))


UNCONVERTIBLE = [numbers_then(SplineTransformer()), numbers_then(FunctionTransformer(np.abs)), calibrated]


@pytest.mark.parametrize("build", UNCONVERTIBLE, ids=["spline", "function", "calibrated"])
def test_what_does_not_convert_falls_back_to_skops_and_says_why(build: Callable[[ModelConfig], Any]) -> None:
    trained = train(planted_config(Task.BINARY, "pipeline:build"), planted_rows(Task.BINARY), build)
    assert trained.exported.engine is Engine.SKLEARN
    assert trained.exported.file_name == "scorer.skops"
    assert "does not convert to ONNX" in str(trained.exported.reason)
    assert (trained.exported.agreement.rows, trained.exported.agreement.largest_difference) == (800, 0.0)


def test_a_conversion_that_answers_wrongly_without_an_error_falls_back_too() -> None:
    def native_categories(config: ModelConfig) -> Any:
        codes = ColumnTransformer([("c", OrdinalEncoder(), ["carrier", "weekday"])])
        return make_pipeline(codes, HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=20))

    trained = train(
        planted_config(Task.BINARY, "pipeline:build"), planted_rows(Task.BINARY), native_categories
    )
    assert trained.exported.engine is Engine.SKLEARN
    assert "ONNX differs from the pipeline by more than 0.0001 on 800 of 800 rows" in str(
        trained.exported.reason
    )


def same(values: Any) -> Any:
    return values


def test_a_pipeline_with_a_foreign_type_is_refused_by_name() -> None:
    build = numbers_then(FunctionTransformer(same))
    with pytest.raises(UntrustedTypeError, match=r"the pipeline holds \S+\.same;"):
        train(planted_config(Task.BINARY, "pipeline:build"), planted_rows(Task.BINARY), build)


def test_trees_that_do_not_convert_are_refused_with_both_reasons_and_a_way_out() -> None:
    columns = ColumnTransformer([("n", make_pipeline(SimpleImputer(), SplineTransformer()), ["label"])])
    with pytest.raises(UnservablePipelineError, match="HistGradientBoosting") as caught:
        train(
            planted_config(Task.BINARY, "pipeline:build"),
            planted_rows(Task.BINARY),
            lambda config: make_pipeline(columns, DecisionTreeClassifier(max_depth=3)),
        )
    assert caught.value.args == (str(caught.value),)
    assert str(caught.value).count("the pipeline holds sklearn.tree._tree.Tree") == 1
    assert str(caught.value).startswith("not as a graph: the pipeline does not convert to ONNX: step ")


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_calibration_around_a_pipeline_says_what_to_put_in_its_place(is_whole: bool) -> None:
    imputed = ColumnTransformer([("n", SimpleImputer(), ["label", "my column"])])

    def build(config: ModelConfig) -> Any:
        if is_whole:
            return CalibratedClassifierCV(make_pipeline(imputed, LogisticRegression(max_iter=1000)))
        inner = make_pipeline(StandardScaler(), LogisticRegression())
        return make_pipeline(imputed, CalibratedClassifierCV(inner))

    trained = train(planted_config(Task.BINARY, "pipeline:build"), planted_rows(Task.BINARY), build)
    assert trained.exported.engine is Engine.SKLEARN
    assert "is around a Pipeline; put it around the last step alone" in str(trained.exported.reason)


def test_the_graph_lists_its_opsets_in_order_and_names_no_foreign_producer() -> None:
    import onnx

    trained = train(planted_config(Task.BINARY, "hist_gradient_boosting"), planted_rows(Task.BINARY))
    graph = onnx.load_from_string(export_onnx(trained.pipeline, trained.schema))
    domains = [opset.domain for opset in graph.opset_import]
    assert domains == sorted(domains)
    assert (graph.producer_name, graph.producer_version, graph.graph.name) == ("millrace", "", "millrace")


def test_agreement_counts_rows_beyond_the_tolerance_and_answers_that_are_not_finite() -> None:
    pipeline = np.array([0.1, 0.2, 0.3, np.nan, 0.5])
    bundle = np.array([0.1, 0.25, 0.3005, np.nan, np.inf])
    agreement = measure_agreement(pipeline, bundle, tolerance=0.001)
    assert (agreement.rows, agreement.disagreeing_rows) == (5, 3)
    assert agreement.largest_difference == pytest.approx(0.05)


def test_agreement_of_no_rows_is_no_evidence_and_of_unpaired_rows_an_error() -> None:
    assert measure_agreement(np.empty(0), np.empty(0), 0.1).rows == 0
    with pytest.raises(UnpairedAnswersError, match=r"\(3,\).*\(2,\)"):
        measure_agreement(np.zeros(3), np.zeros(2), 0.1)


def test_one_class_of_a_multiclass_row_is_enough_to_disagree() -> None:
    agreement = measure_agreement(np.zeros((2, 3)), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]), 0.1)
    assert (agreement.disagreeing_rows, agreement.largest_difference) == (1, 0.5)


@pytest.mark.parametrize(("rows", "examples"), [(800, 20), (3, 3), (0, 0)])
def test_examples_are_few_plain_rows_with_the_answers_of_the_scorer(rows: int, examples: int) -> None:
    trained = train(planted_config(Task.BINARY), planted_rows(Task.BINARY))
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    frame = planted_rows(Task.BINARY).head(rows)
    made = make_examples(frame, trained.schema, answering)
    assert len(made.rows) == len(made.answers) == examples
    if rows:
        first = made.rows[0]
        assert set(first) == {"label", "my column", "carrier", "weekday", "holiday"}
        assert made.answers[0] == answering(frame)[0]
        assert (type(first["label"]), type(first["weekday"]), type(first["holiday"])) == (float, int, bool)
