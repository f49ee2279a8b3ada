"""Do two installations with the same bytes train the same bundle, whatever their hashes and threads?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.settings import PROJECT_ROOT
from tests.faults.tides import MODEL, MODELS, new_home

SEARCHED = "searched"
"""The same model with trees instead of a line, their parameters searched."""

NAMES = (MODEL, SEARCHED, "progression")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(PROJECT_ROOT / "models" / "progression", folder / "progression")
    shutil.copytree(MODELS / MODEL, folder / MODEL)
    shutil.copytree(MODELS / MODEL, folder / SEARCHED)
    config = folder / SEARCHED / "model.toml"
    trees = 'estimator = "hist_gradient_boosting"\nsearch = { trials = 2, folds = 2 }'
    text = config.read_text().replace('name = "tides"', f'name = "{SEARCHED}"')
    config.write_text(text.replace('estimator = "linear"', trees))
    return folder


def train_afresh(home: Path, models: Path, *, hash_seed: int, threads: int) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "PYTHONHASHSEED": str(hash_seed),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "tests.faults.train_afresh", str(home), str(models), *NAMES]
    return subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_two_installations_train_the_same_bundles_byte_for_byte(
    tmp_path: Path, models: Path, catalogue_template: Path
) -> None:
    first, second = (new_home(tmp_path / name, catalogue_template) for name in ("one", "other"))
    running = (
        train_afresh(first, models, hash_seed=1, threads=1),
        train_afresh(second, models, hash_seed=4242, threads=2),
    )
    printed, printed_too = (process.communicate(timeout=120)[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert [line.split()[0] for line in printed.splitlines()] == list(NAMES)
    assert printed == printed_too
    bundles = Path("var", "channel", "bundles")
    files = [path.relative_to(first) for path in sorted((first / bundles).rglob("*.*"))]
    assert files == [path.relative_to(second) for path in sorted((second / bundles).rglob("*.*"))]
    # two lines, which are their own baselines; trees, and their baseline
    assert len({path.parent for path in files}) == 4
    assert [path for path in files if (first / path).read_bytes() != (second / path).read_bytes()] == []
