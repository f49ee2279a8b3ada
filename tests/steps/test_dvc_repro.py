"""`dvc repro` trains what `retrain` trains, from a clone, and once."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.pins import pin_data
from millrace.settings import PROJECT_ROOT
from tests.conftest import Home

BIN = Path(sys.executable).parent
CODE = ("millrace", "flows", "tasks", "models", ".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore")
FILES = ("dvc.yaml", "requirements.lock")
GIT = ("git", "-c", "user.name=any", "-c", "user.email=any@example.org")

NO_PART = {
    "millrace.adapters.channel",
    "millrace.adapters.dataset_files",
    "millrace.adapters.git",
    "millrace.adapters.models",
    "millrace.domain.batch_rules",
    "millrace.domain.bootstrap",
    "millrace.domain.claim",
    "millrace.domain.config",
    "millrace.domain.contract",
    "millrace.domain.dataset",
    "millrace.domain.duration",
    "millrace.domain.facts",
    "millrace.domain.gate",
    "millrace.domain.gate.evidence",
    "millrace.domain.gate.measurement",
    "millrace.domain.gate.report",
    "millrace.domain.kinds",
    "millrace.domain.level",
    "millrace.domain.proposal.allowed",
    "millrace.domain.serving",
    "millrace.durable",
    "millrace.errors",
    "millrace.settings",
    "millrace.steps.actor",
    "millrace.steps.contract.review",
    "millrace.steps.dataset",
    "millrace.steps.gate.grouping",
    "millrace.steps.gate_reports",
    "millrace.steps.refit",
    "millrace.steps.serve",
    "millrace.steps.stores",
}
"""What a stage imports and cannot change its result.

Names, shapes, paths, intervals and groups that it does not write, and a ledger it never asks.
"""


class Clone:
    """A clone of the working tree with one model, and `dvc` in it as a person runs it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # another installation is in the environment, as in the shell of somebody who looked at the demo
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "MILLRACE_HOME": "/nowhere"}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def done(self, *command: str) -> str:
        run = self.run(*command)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def commit(self) -> None:
        self.done("git", "add", "--all")
        self.done(*GIT, "commit", "--quiet", "--message", "as it is")

    def copy(self, to: Path) -> "Clone":
        shutil.copytree(self.root, to)
        return Clone(to)

    def read(self, path: str) -> Any:
        return json.loads((self.root / path).read_text("utf-8"))


@pytest.fixture(scope="module")
def trained_clone(published_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A committed clone in which `dvc repro` has run, with the data of the template's `progression`."""
    clone, home = Clone(tmp_path_factory.mktemp("clone") / "clone"), published_template / "home"
    for name in CODE:
        source, to = PROJECT_ROOT / name, clone.root / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, to)
    for name in FILES:
        shutil.copyfile(PROJECT_ROOT / name, clone.root / name)
    stages, shipped = (clone.root / "dvc.yaml").read_text("utf-8"), "models: [flights, progression, scenery]"
    assert shipped in stages
    (clone.root / "dvc.yaml").write_text(stages.replace(shipped, "models: [progression]"), "utf-8")
    shutil.copytree(home / "data" / "progression", clone.root / "data" / "progression")
    (clone.root / "datasets").mkdir()
    shutil.copyfile(home / "datasets" / "progression.json", clone.root / "datasets" / "progression.json")
    clone.done("git", "init", "--quiet")
    pin_data(clone.root)
    clone.commit()
    clone.done("dvc", "repro")
    clone.commit()
    return clone


@pytest.fixture
def clone(trained_clone: Clone, tmp_path: Path) -> Iterator[Clone]:
    return trained_clone.copy(tmp_path / "clone")


def test_it_makes_the_very_bundle_that_retrain_published_and_no_decision(
    trained_clone: Clone, published: Home
) -> None:
    trained = trained_clone.read("var/stages/progression/trained.json")
    assert trained["challenger"] == published.serving("progression").champion
    verify_bundle(trained_clone.root / "var" / "stages" / "progression", trained["challenger"])
    assert not list((trained_clone.root / "var").glob("ledger*"))
    assert not (trained_clone.root / "var" / "channel").exists()


def test_a_second_time_it_does_nothing_and_git_has_nothing_new(trained_clone: Clone) -> None:
    again = trained_clone.done("dvc", "repro")
    assert again.count("didn't change, skipping") == 3
    assert "Running stage" not in again
    assert trained_clone.done("git", "status", "--porcelain") == ""


def test_dvc_shows_and_compares_metrics_and_plots_of_a_changed_model(clone: Clone) -> None:
    path = clone.root / "models" / "progression" / "model.toml"
    path.write_text(path.read_text("utf-8").replace('    "body_mass_index",\n', ""), "utf-8")
    clone.done("dvc", "repro")
    shown = json.loads(clone.done("dvc", "metrics", "show", "--json"))
    metrics = "docs/evaluation/progression/metrics.json"
    [[file, found]] = shown[""]["data"].items()
    assert file == metrics
    assert set(found["data"]) == {"recent", "golden"}
    changed = json.loads(clone.done("dvc", "metrics", "diff", "--json"))[metrics]
    assert changed["recent.challenger.mae"]["diff"] > 1.0
    plots = json.loads(clone.done("dvc", "plots", "diff", "--json", "--out", str(clone.root / "page")))
    curves = {
        file: {rev for one in curve for rev in one["revisions"]} for file, curve in plots["data"].items()
    }
    assert len(curves) == 2
    assert all(revisions == {"HEAD", "workspace"} for revisions in curves.values())


def test_a_rotten_part_stops_the_first_stage_with_the_command_that_helps(clone: Clone) -> None:
    [part] = (clone.root / "data" / "progression").iterdir()
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    run = clone.run("dvc", "repro", "--force")
    assert run.returncode != 0
    assert "Running stage 'train@progression'" not in run.stdout
    [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert f"{part.name}: found sha256 " in line
    assert line.endswith("Run `millrace data restore progression`")


def test_rows_that_break_todays_contract_stop_the_first_stage(clone: Clone) -> None:
    path = clone.root / "models" / "progression" / "model.toml"
    path.write_text(path.read_text("utf-8").replace("min = 18, max = 110", "min = 18, max = 60"), "utf-8")
    run = clone.run("dvc", "repro")
    assert run.returncode != 0
    assert "Running stage 'train@progression'" not in run.stdout
    [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert "batch diabetes, age_years: " in line
    assert "Widen [contract] in model.toml" in line


def test_data_that_changed_leaves_the_pin_alone_and_code_elsewhere_the_stages(clone: Clone) -> None:
    pin = (clone.root / "data.dvc").read_bytes()
    (clone.root / "data" / "progression" / "new.parquet").write_bytes(b"not pinned yet")
    for elsewhere in ("millrace/cli/status.py", "millrace/steps/alerts.py", "flows/retrain.py"):
        with (clone.root / elsewhere).open("a") as file:
            file.write("\n# changed\n")
    assert clone.done("dvc", "repro").count("didn't change, skipping") == 3
    assert (clone.root / "data.dvc").read_bytes() == pin


def test_a_fresh_clone_needs_its_data_restored_and_nothing_else(trained_clone: Clone, tmp_path: Path) -> None:
    fresh = Clone(tmp_path / "fresh")
    trained_clone.done("git", "clone", "--quiet", str(trained_clone.root), str(fresh.root))
    run = fresh.run("dvc", "repro", "--force")
    assert "Run `millrace data restore progression`" in run.stderr
    restore = "MILLRACE_HOME=. MILLRACE_MODELS=models python -m millrace data restore"
    assert "every byte of 442 rows verified" in fresh.done("sh", "-c", restore)
    fresh.done("dvc", "repro")
    assert fresh.read("var/stages/progression/trained.json") == trained_clone.read(
        "var/stages/progression/trained.json"
    )
    assert fresh.done("git", "status", "--porcelain") == ""


def test_every_module_that_can_change_a_result_is_a_dependency_of_a_stage() -> None:
    stages = yaml.safe_load((PROJECT_ROOT / "dvc.yaml").read_text("utf-8"))["stages"].values()
    paths = {PROJECT_ROOT / path for stage in stages for path in stage["do"]["deps"]}
    files = {file for path in paths for file in (path, *path.rglob("*.py")) if file.suffix == ".py"}
    known = {_name_of(file) for file in files}
    imported = {module for file in files for module in _imports_of(file)}
    assert imported - known - NO_PART == set()


def _imports_of(file: Path) -> set[str]:
    """Name our modules that a file imports, wherever in it; `from package import module` names the module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("millrace"):
            names = {f"{node.module}.{name.name}" for name in node.names}
            modules = {name for name in names if _is_module(PROJECT_ROOT / name.replace(".", "/"))}
            found |= modules or {str(node.module)}
    return found


def _name_of(file: Path) -> str:
    name = ".".join(file.relative_to(PROJECT_ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def _is_module(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").exists()


def test_now_follows_from_the_newest_row_and_its_labels_delay(published: Home) -> None:
    from millrace.adapters.dataset_files import find_dataset
    from millrace.settings import load_settings
    from millrace.steps.rows import when_all_labels_are_due
    from millrace.steps.stores import model_config

    dataset = find_dataset(load_settings().datasets, "fares")
    newest = dataset.parts[-1].last_time
    assert newest is not None
    due = when_all_labels_are_due(model_config("fares"), dataset)
    assert (due - newest).total_seconds() == 3600
    assert due < datetime(2013, 5, 1, tzinfo=UTC)
