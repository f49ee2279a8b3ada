"""A scored row has the answer that the prediction service gives it, and is refused where that refuses it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.scorer import Scorer, load_scorer
from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.features import MissingColumnsError, feature_columns
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.scored import TakenNameError, answer_names, ensure_free, spread_answers
from millrace.serving.requests import InvalidRowsError, RequestSchema
from millrace.steps.score.answering import answer_rows
from millrace.steps.score.checking import check_rows
from tests.adapters.planted import planted_rows
from tests.serving.bundles import NAMES, odd_model, packed_model
from tests.serving.service import Packed

ODD = ("größe (µm)", "my column", "week/day's", "carrier", "holiday")


def opened(packed: Packed, folder: Path) -> Scorer:
    return load_scorer(folder / write_bundle(folder, *packed))


def as_service(scorer: Scorer, row: dict[str, Any]) -> np.ndarray | str:
    """Return what the service makes of one row: its answer, or why it refuses."""
    schema = RequestSchema(scorer.schema.inputs)
    try:
        [checked] = schema.check([row])
    except InvalidRowsError as error:
        first = error.problems[0]
        return f"field {first.field!r}: found {first.found}, allowed is {first.allowed}"
    columns = {name: [value] for name, value in zip(schema.names, checked, strict=True)}
    return np.asarray(scorer.answer(columns)[0])


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("estimator", ["linear", "hist_gradient_boosting"])
def test_each_row_has_the_services_answer(task: Task, estimator: str, tmp_path: Path) -> None:
    scorer = opened(packed_model(task, estimator), tmp_path)
    names = [column.name for column in scorer.schema.inputs]
    batch = pa.RecordBatch.from_pandas(planted_rows(task, 200, seed=3)[names], preserve_index=False)
    answers, errors = answer_rows(scorer, batch)
    assert errors == {}
    single = [as_service(scorer, row) for row in batch.to_pylist()]
    # a product of matrices rounds by their shape, in float32; trees do not
    np.testing.assert_allclose(answers, single, rtol=0.0, atol=1e-6 if estimator == "linear" else 0.0)


WRONG: list[tuple[str, Any]] = [
    ("größe (µm)", 1e4),
    ("größe (µm)", -1e4),
    ("my column", 2.5),
    ("week/day's", 7),
    ("week/day's", None),
    ("carrier", "XX"),
    ("holiday", None),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_row_is_refused_where_the_service_refuses_it_and_its_neighbours_are_answered(
    name: str, value: Any, tmp_path: Path
) -> None:
    scorer = opened(odd_model(), tmp_path)
    good = planted_rows(Task.MULTICLASS, 3, seed=5).rename(columns=NAMES)[list(ODD)]
    rows = pa.Table.from_pandas(good, preserve_index=False).to_pylist()
    rows[1] = {**rows[1], name: value}
    batch = pa.RecordBatch.from_pylist(rows)
    answers, errors = answer_rows(scorer, batch)
    refusal = as_service(scorer, rows[1])
    assert isinstance(refusal, str)
    assert list(errors) == [1]
    assert errors[1].partition(", allowed is ")[2] == refusal.partition(", allowed is ")[2]
    assert errors[1].startswith(f"field {name!r}: found ")
    assert np.isnan(answers[1]).all()
    single = [as_service(scorer, rows[at]) for at in (0, 2)]
    np.testing.assert_allclose(answers[[0, 2]], single, rtol=1e-5, atol=1e-6)


def test_text_of_a_file_is_read_as_ingest_reads_it(tmp_path: Path) -> None:
    scorer = opened(packed_model(Task.BINARY), tmp_path)
    names = [column.name for column in scorer.schema.inputs]
    rows = planted_rows(Task.BINARY, 100, seed=4)[names]
    rows = rows[rows["carrier"] != ""]  # which a file cannot tell from a null
    typed = pa.RecordBatch.from_pandas(rows, preserve_index=False)
    texts = pa.RecordBatch.from_pydict(
        {
            name: pa.array(
                [None if value is None else str(value) for value in typed.column(name).to_pylist()]
            )
            for name in names
        }
    )
    np.testing.assert_array_equal(answer_rows(scorer, texts)[0], answer_rows(scorer, typed)[0])
    broken = texts.set_column(0, names[0], pa.array(["a lot", *texts.column(0).to_pylist()[1:]]))
    assert "'a lot', allowed is a number" in answer_rows(scorer, broken)[1][0]


def test_however_a_column_is_stored_it_is_the_same_column() -> None:
    inputs = (
        InputColumn("n", ColumnType.INT, nullable=True),
        InputColumn("c", ColumnType.STRING, nullable=True, categorical=True),
    )
    plain = {"n": pa.array([1, None, 3]), "c": pa.array(["a", None, "b"])}
    others = [
        {"n": pa.array([1.0, None, 3.0]), "c": pa.array(["a", None, "b"], pa.large_string())},
        {"n": pa.array([9, 1, None, 3])[1:], "c": pa.array(["z", "a", None, "b"])[1:]},
        {"n": pa.array([1, None, 3], pa.decimal128(5, 0)), "c": plain["c"].dictionary_encode()},
        {"n": pa.array(["1", None, "3"]), "c": pa.array(["a", None, "b"], pa.string_view())},
    ]
    for columns in others:
        checked = check_rows(pa.RecordBatch.from_pydict(columns), inputs)
        assert checked.errors == {}
        np.testing.assert_array_equal(checked.columns["n"], [1.0, np.nan, 3.0])
        texts = checked.columns["c"]
        assert [texts.distinct[code] for code in texts.codes] == ["a", None, "b"]


def test_a_table_without_a_column_is_an_error_and_no_matter_of_rows() -> None:
    inputs = (InputColumn("n", ColumnType.INT, nullable=True),)
    with pytest.raises(MissingColumnsError, match="no column 'n' in these rows"):
        check_rows(pa.RecordBatch.from_pydict({"m": pa.array([1])}), inputs)


def test_answers_become_columns_and_a_row_without_one_is_null_in_each() -> None:
    binary = Schema(Task.BINARY, (), ("on time", "late"), threshold=0.3)
    found = spread_answers(np.array([0.2, 0.3, np.nan]), binary)
    assert found["decision"].tolist() == ["on time", "late", None]
    kinds = Schema(Task.MULTICLASS, (), ("oak", "pine"))
    shares = spread_answers(np.array([[0.4, 0.6], [np.nan, np.nan]]), kinds)
    assert shares["likeliest"].tolist() == ["pine", None]
    assert pd.Series(shares["share_oak"]).isna().tolist() == [False, True]
    assert answer_names(Schema(Task.BINARY, (), ("a", "b"))) == ("probability",)
    with pytest.raises(TakenNameError, match=r"column 'error', 'probability', which is a column of answers"):
        ensure_free(("id", "error", "probability"), binary, ("model_digest",))


CODE = InputColumn("n", ColumnType.INT, nullable=True, min=0, categorical=True)


@pytest.mark.parametrize(
    "values",
    [pa.array([1.0, 1.5, None, 2.0, np.inf]), pa.array(["1", "1.5", None, "2.0", "far"])],
    ids=["float", "text"],
)
def test_a_refused_number_of_a_category_leaves_its_neighbours_answered(values: "pa.Array[Any]") -> None:
    checked = check_rows(pa.RecordBatch.from_pydict({"n": values}), (CODE,))
    kept = checked.answerable(5)
    assert kept is not None
    assert [*checked.errors] == [1, 4]
    assert feature_columns({"n": checked.columns["n"][kept]}, (CODE,))["n"].tolist() == ["1", "__null__", "2"]


def test_one_wrong_category_number_does_not_end_a_scoring(tmp_path: Path) -> None:
    scorer = opened(packed_model(Task.BINARY), tmp_path)
    names = [column.name for column in scorer.schema.inputs]
    rows = planted_rows(Task.BINARY, 5, seed=4)[names].astype({"weekday": "float64"})
    rows.loc[2, "weekday"] = 1.5
    answers, errors = answer_rows(scorer, pa.RecordBatch.from_pandas(rows, preserve_index=False))
    assert [*errors] == [2]
    assert np.isfinite(answers).tolist() == [True, True, False, True, True]


EXACT = [2**53, 2**53 + 1, -1, 2**53 + 2]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(EXACT),
        pa.array(EXACT).dictionary_encode(),
        pa.array([str(each) for each in EXACT]),
        pa.array([str(each) for each in EXACT]).cast(pa.decimal128(20, 0)),
    ],
    ids=["int", "dictionary", "text", "decimal"],
)
def test_large_numbers_of_a_category_stay_the_category_they_are(values: "pa.Array[Any]") -> None:
    checked = check_rows(pa.RecordBatch.from_arrays([values], names=["n"]), (CODE,))
    assert [*checked.errors] == [2]
    found = feature_columns(checked.columns, (CODE,))["n"].tolist()
    assert found == [str(EXACT[0]), str(EXACT[1]), "__null__", str(EXACT[3])]


def test_a_file_may_hold_a_number_as_text_or_truth_and_a_truth_as_number() -> None:
    inputs = (
        InputColumn("x", ColumnType.FLOAT, nullable=False),
        InputColumn("b", ColumnType.BOOL, nullable=False),
    )
    for x, b, known in (
        (pa.array(["2.5", "far"]), pa.array([1, 0]), [2.5, np.nan]),
        (pa.array([True, False]), pa.array(["true", "false"]), [1.0, 0.0]),
    ):
        checked = check_rows(pa.RecordBatch.from_pydict({"x": x, "b": b}), inputs)
        np.testing.assert_array_equal(checked.columns["x"], known)
        assert [*checked.errors] == np.flatnonzero(np.isnan(known)).tolist()
        assert checked.columns["b"].tolist() == [1.0, 0.0]
