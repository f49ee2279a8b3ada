"""Do the same inputs give the same bundle, in another process, under other hashes and threads?"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.export import export_skops
from millrace.adapters.scorer import open_scorer
from millrace.domain.bundle import Engine
from millrace.domain.kinds import Task
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.adapters.worded import REPRODUCIBLE

ROOT = Path(__file__).resolve().parents[2]

BOOSTING_ROWS = 12_000
"""More than 10,000, from where scikit-learn stops early on a random part of the rows."""


def train_afresh(store: Path, task: Task, estimator: str, rows: int, *, hash_seed: int, threads: int) -> str:
    given = [str(store), task, estimator, str(rows)]
    return run_afresh("tests.adapters.planted", given, hash_seed=hash_seed, threads=threads)


def run_afresh(program: str, given: list[str], *, hash_seed: int, threads: int) -> str:
    environment = os.environ | {
        "PYTHONHASHSEED": str(hash_seed),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-m", program, *given]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("task", "estimator", "rows"),
    [
        (Task.BINARY, "hist_gradient_boosting", BOOSTING_ROWS),
        (Task.MULTICLASS, "linear", 2_000),
        (Task.REGRESSION, "linear", 2_000),
    ],
)
def test_two_fresh_processes_give_one_bundle_byte_for_byte(
    tmp_path: Path, task: Task, estimator: str, rows: int
) -> None:
    first = train_afresh(tmp_path / "a", task, estimator, rows, hash_seed=1, threads=1)
    second = train_afresh(tmp_path / "b", task, estimator, rows, hash_seed=4242, threads=2)
    assert first == second
    for name in ("scorer.onnx", "schema.json", "profile.json", "examples.json", "manifest.json"):
        assert (tmp_path / "a" / first / name).read_bytes() == (tmp_path / "b" / second / name).read_bytes()


def test_every_estimator_gives_the_same_bytes_with_texts_weights_and_calibration(tmp_path: Path) -> None:
    first = run_afresh("tests.adapters.worded", [str(tmp_path / "a")], hash_seed=1, threads=1)
    second = run_afresh("tests.adapters.worded", [str(tmp_path / "b")], hash_seed=4242, threads=2)
    assert first == second
    assert len(set(first.split())) == len(REPRODUCIBLE)
    for digest in first.split():
        one, two = (tmp_path / store / digest / "scorer.onnx" for store in "ab")
        assert one.read_bytes() == two.read_bytes()


def test_other_rows_give_another_bundle(tmp_path: Path) -> None:
    config = planted_config(Task.BINARY)
    digests = {
        write_bundle(tmp_path, *pack(train(config, planted_rows(Task.BINARY, seed=seed)))) for seed in (0, 1)
    }
    assert len(digests) == 2


def test_two_skops_files_of_one_training_give_the_same_answers() -> None:
    config, rows = planted_config(Task.BINARY, "hist_gradient_boosting"), planted_rows(Task.BINARY)
    first, second = (train(config, rows) for _ in range(2))
    one, two = (
        open_scorer(Engine.SKLEARN, export_skops(trained.pipeline), trained.schema)(
            planted_rows(Task.BINARY, seed=9)
        )
        for trained in (first, second)
    )
    np.testing.assert_array_equal(one, two)


def test_a_custom_pipeline_that_draws_from_the_global_generator_is_reproducible_too() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    def build(config: object) -> object:
        return make_pipeline(ColumnTransformer([("c", TargetEncoder(), ["carrier"])]), LogisticRegression())

    config, rows = planted_config(Task.BINARY, "pipeline:build"), planted_rows(Task.BINARY)
    np.random.seed(1)
    first = train(config, rows, build)
    np.random.seed(2)
    untouched = np.random.get_state()[1].copy()
    second = train(config, rows, build)
    assert first.exported.content == second.exported.content
    assert np.array_equal(np.random.get_state()[1], untouched)
