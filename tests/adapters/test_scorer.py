"""Does the scorer answer what its bundle says, and refuse what it cannot prove?"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from millrace.adapters.bundle import write_bundle
from millrace.adapters.scorer import (
    UnprovenBundleError,
    UnreadableScorerError,
    UntrustedScorerError,
    load_scorer,
    open_scorer,
    prove,
)
from millrace.adapters.scorer import scorer as scorer_module
from millrace.domain.answers import answers_of
from millrace.domain.bundle import CorruptBundleError, Engine, Examples, digests_of
from millrace.domain.features import MissingColumnsError, UnreadableColumnError, feature_frame
from millrace.domain.kinds import Task
from tests.adapters.planted import Trained, pack, planted_config, planted_rows, train, write_planted

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(planted_config(Task.BINARY), planted_rows(Task.BINARY))


@pytest.mark.parametrize("task", list(Task))
def test_a_loaded_bundle_answers_and_proves_itself(tmp_path: Path, task: Task) -> None:
    digest = write_planted(tmp_path, task)
    scorer = load_scorer(tmp_path / digest)
    prove(scorer, scorer.examples)
    assert (scorer.digest, scorer.manifest.engine) == (digest, Engine.ONNX)
    answers = scorer.answer(planted_rows(task))
    assert answers.shape == ((800, 3) if task is Task.MULTICLASS else (800,))
    assert answers.dtype == np.float64


def test_arrays_lists_and_frames_of_any_storage_get_the_same_answers(trained: Trained) -> None:
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    frame = planted_rows(Task.BINARY, seed=2)
    wanted = answering(frame)
    lists = {name: [None if pd.isna(value) else value for value in frame[name]] for name in frame}
    arrays = {name: np.array(values, dtype=object) for name, values in lists.items()}
    numpy_strings = frame.assign(
        carrier=frame["carrier"].astype("category"), weekday=frame["weekday"].astype("float64")
    )
    for columns in (lists, arrays, numpy_strings, frame.set_index("at"), frame[frame.columns[::-1]]):
        np.testing.assert_array_equal(answering(columns), wanted)


def test_chunks_give_the_answers_of_the_whole(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    whole = answering(planted_rows(Task.BINARY))
    monkeypatch.setattr(scorer_module, "CHUNK_ROWS", 7)
    in_chunks = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    np.testing.assert_array_equal(in_chunks(planted_rows(Task.BINARY)), whole)


def test_no_rows_get_no_answers(trained: Trained) -> None:
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    assert answering(planted_rows(Task.BINARY).head(0)).shape == (0,)


def test_missing_columns_are_named_with_those_needed(trained: Trained) -> None:
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    with pytest.raises(
        MissingColumnsError, match="no column 'my column', 'carrier' in these rows; needed are label"
    ):
        answering(planted_rows(Task.BINARY).drop(columns=["my column", "carrier"]))


def test_a_value_of_another_type_is_named_with_its_column(trained: Trained) -> None:
    answering = open_scorer(trained.exported.engine, trained.exported.content, trained.schema)
    with pytest.raises(
        UnreadableColumnError, match="column 'label': found could not convert string to float: 'far'"
    ):
        answering(planted_rows(Task.BINARY).assign(label="far"))


def test_answers_that_are_not_finite_are_answers_for_the_gate_to_judge(trained: Trained) -> None:
    model = trained.pipeline.named_steps["model"]
    honest = model.intercept_.copy()
    try:
        model.intercept_ = honest + np.nan
        answers = answers_of(
            trained.pipeline, feature_frame(trained.rows, trained.schema.inputs), Task.BINARY
        )
    finally:
        model.intercept_ = honest
    assert np.isnan(answers).all()


def test_a_graph_swapped_for_another_models_is_refused(tmp_path: Path) -> None:
    honest = write_planted(tmp_path, Task.BINARY, "linear")
    other = write_planted(tmp_path, Task.BINARY, "hist_gradient_boosting")
    (tmp_path / honest / "scorer.onnx").write_bytes((tmp_path / other / "scorer.onnx").read_bytes())
    with pytest.raises(CorruptBundleError, match=r"bundle file scorer\.onnx: found"):
        load_scorer(tmp_path / honest)


def test_a_swapped_graph_with_a_forged_manifest_cannot_prove_itself(tmp_path: Path, trained: Trained) -> None:
    manifest, files = pack(trained)
    foreign = train(planted_config(Task.BINARY, "hist_gradient_boosting"), planted_rows(Task.BINARY))
    forged = files | {"scorer.onnx": foreign.exported.content}
    digest = write_bundle(tmp_path, dataclasses.replace(manifest, files=digests_of(forged)), forged)
    scorer = load_scorer(tmp_path / digest)
    with pytest.raises(UnprovenBundleError, match="on example 0: found"):
        prove(scorer, scorer.examples)


def test_a_bundle_without_examples_proves_nothing(tmp_path: Path) -> None:
    scorer = load_scorer(tmp_path / write_planted(tmp_path, Task.BINARY))
    with pytest.raises(UnprovenBundleError, match="found 0 rows and 0 answers"):
        prove(scorer, Examples((), ()))


def test_a_graph_that_does_not_fit_its_schema_is_refused(trained: Trained) -> None:
    narrow = dataclasses.replace(trained.schema, inputs=trained.schema.inputs[1:])
    with pytest.raises(UnreadableScorerError, match="needed the schema's"):
        open_scorer(Engine.ONNX, trained.exported.content, narrow)
    with pytest.raises(UnreadableScorerError, match="needed a graph onnxruntime can load"):
        open_scorer(Engine.ONNX, b"junk", trained.schema)


def planted_code(values: object) -> object:
    raise AssertionError("code of an untrusted artifact ran")


def test_an_untrusted_type_planted_in_a_skops_file_is_refused_unopened(trained: Trained) -> None:
    content = skops.io.dumps(FunctionTransformer(planted_code))
    with pytest.raises(UntrustedScorerError, match="planted_code, which Millrace does not trust"):
        open_scorer(Engine.SKLEARN, content, trained.schema)


def test_the_scorer_of_a_graph_loads_no_control_plane_and_no_scikit_learn(tmp_path: Path) -> None:
    digest = write_planted(tmp_path, Task.BINARY)
    program = (
        "import sys; from pathlib import Path\n"
        "from millrace.adapters.scorer import load_scorer, prove\n"
        f"scorer = load_scorer(Path({str(tmp_path / digest)!r})); prove(scorer, scorer.examples)\n"
        "print(sorted({'sklearn', 'pandas', 'skops', 'mlflow', 'optuna', 'skl2onnx'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
