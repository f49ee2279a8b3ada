"""A version is trained again by the code of its commit: the same bytes, or what is other, or why not."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.training_process import TrainingProcessError, installed_versions
from millrace.cli.reproduce import show_before
from millrace.domain.bundle import CorruptBundleError
from millrace.domain.change import list_changes
from millrace.domain.facts import Reproduction, VersionReproduced
from millrace.settings import PROJECT_ROOT
from millrace.steps.leftovers import sweep_leftovers
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.progress import listener
from millrace.steps.reproduce import Reproduced, TrainedElsewhereError, prepared, train_again
from millrace.steps.reproduce_code import CodeGoneError
from millrace.steps.restore import LostPartError
from tests.conftest import NOON, PLANTED, Home
from tests.steps.two_homes import TwoHomes, take_in_offers

CODE = ("millrace", "flows", "tasks")
TRAININGS = Path(__file__).with_name("five_trainings.py")
LATER = NOON + timedelta(days=365)


@dataclass(frozen=True)
class Clone:
    """A clone with an installation beside it, in which versions were trained."""

    root: Path
    home: Home
    digests: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.root),
            "MILLRACE_HOME": str(self.home.path),
            "MILLRACE_MODELS": str(self.home.models),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def done(self, *command: str) -> str:
        run = self.run(*command)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def again(self, name: str, *, keep: bool = False) -> Reproduced:
        with prepared(self.digests[name], keep=keep, root=self.root) as ready:
            return train_again(ready, keep=keep, now=LATER)

    @property
    def leftovers(self) -> list[str]:
        return sorted(path.name for path in (self.home.path / "var").glob("reproduce/*"))

    @property
    def processes(self) -> list[list[str]]:
        """The commands of what works on this installation."""
        commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        return [command for command in commands if str(self.home.path) in " ".join(command)]

    def recorded(self) -> VersionReproduced:
        [fact] = self.home.facts("fares", VersionReproduced)
        assert isinstance(fact, VersionReproduced)
        return fact


@pytest.fixture(scope="module")
def trained_clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    root = tmp_path_factory.mktemp("reproduced")
    clone = Clone(root / "clone", Home(root / "home", root / "clone" / "models"), {})
    for name in CODE:
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT_ROOT / name, clone.root / name, ignore=leave)
    for name in ("requirements.lock", ".gitignore"):
        shutil.copyfile(PROJECT_ROOT / name, clone.root / name)
    shutil.copytree(PLANTED / "fares", clone.home.models / "fares")
    clone.home.path.mkdir()
    clone.done("git", "init", "--quiet")
    clone.done("git", "add", "--all")
    clone.done("git", "-c", "user.name=any", "-c", "user.email=any@example.org", "commit", "-qm", "the first")
    # -P: what is imported is the clone's, not what lies beside the script
    clone.done(sys.executable, "-P", str(TRAININGS), str(root / "digests.json"))
    clone.digests.update(json.loads((root / "digests.json").read_text("utf-8")))
    return clone


@pytest.fixture
def clone(trained_clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    shutil.copytree(trained_clone.root.parent, tmp_path / "copy", symlinks=True)
    home = Home(tmp_path / "copy" / "home", tmp_path / "copy" / "clone" / "models")
    home.enter(monkeypatch)
    return Clone(tmp_path / "copy" / "clone", home, trained_clone.digests)


def test_a_version_of_an_earlier_commit_comes_out_byte_for_byte_and_that_is_recorded(clone: Clone) -> None:
    before = {path: path.read_bytes() for path in (clone.home.path / "data").rglob("*.parquet")}
    found = clone.again("plain")
    assert (found.result, found.reason) == (Reproduction.IDENTICAL, "identical, byte for byte")
    assert found.found == clone.digests["plain"]
    assert (found.differences, found.packages, found.now) == ((), (), NOON)
    assert {piece.is_exact for piece in found.pieces} == {True}
    assert {path: path.read_bytes() for path in (clone.home.path / "data").rglob("*.parquet")} == before
    assert clone.leftovers == []
    assert clone.done("git", "status", "--porcelain") == ""
    fact = clone.recorded()
    assert (fact.digest, fact.result, fact.git_commit) == (found.digest, found.result, found.git_commit)
    assert find_lineage(found.digest).entries[-1].fact == fact


def test_a_recorded_bundle_that_is_damaged_is_said_to_be_though_it_comes_out_as_recorded(
    clone: Clone,
) -> None:
    digest = clone.digests["plain"]
    scorer = clone.home.path / "var" / "channel" / "bundles" / digest / "scorer.onnx"
    content = bytearray(scorer.read_bytes())
    content[len(content) // 2] ^= 1
    scorer.write_bytes(content)
    run = clone.run(sys.executable, "-m", "millrace", "reproduce", digest[:12])
    assert run.returncode == 5, run.stderr
    first, *_, last = [line for line in run.stdout.splitlines() if "THE RECORDED BUNDLE IS DAMAGED" in line]
    assert "scorer.onnx" in first
    assert last.endswith("held against its record: identical, byte for byte")
    fact = clone.recorded()
    assert (fact.found, fact.result) == (digest, Reproduction.IDENTICAL)
    assert fact.reason.startswith("THE RECORDED BUNDLE IS DAMAGED: bundle file scorer.onnx")
    for file in ("scorer.onnx", "profile.json"):
        (scorer.parent / file).unlink()
        with prepared(digest, root=clone.root) as ready:
            assert "found nothing" in (ready.damage or "")
    shutil.rmtree(scorer.parent)
    with pytest.raises(CorruptBundleError, match=r"manifest\.json"), prepared(digest, root=clone.root):
        pass


def test_a_skops_scorer_is_not_held_to_the_answers_of_a_damaged_one(clone: Clone) -> None:
    digest = clone.digests["skops"]
    with (clone.home.path / "var" / "channel" / "bundles" / digest / "scorer.skops").open("ab") as file:
        file.write(b" ")
    found = clone.again("skops")
    assert (found.result, found.answers is not None) == (Reproduction.DIFFERS, True)
    assert "answers cannot be compared: the recorded bundle is damaged" in found.reason


def test_a_refit_takes_over_the_hyperparameters_that_it_took_over_then(clone: Clone) -> None:
    steps: list[str] = []
    token = listener.set(lambda step, _done, _total: steps.append(step))
    assert clone.again("refit").result is Reproduction.IDENTICAL
    listener.reset(token)
    assert "search" not in steps
    assert steps[-2:] == ["train", "compare"]


def test_a_skops_scorer_is_never_the_same_bytes_and_is_held_to_its_answers(clone: Clone) -> None:
    found = clone.again("skops", keep=True)
    assert found.result is Reproduction.SAME_ANSWERS
    assert [change.name for change in found.differences] == ["file scorer.skops"]
    assert found.answers is not None
    assert (found.answers.rows, found.answers.largest_difference) == (4080, 0.0)
    assert clone.leftovers == [found.digest[:12]]
    verify_bundle(Path(found.kept or "") / "bundles", found.found)


def test_what_was_not_committed_is_named_and_so_is_all_that_differs(clone: Clone) -> None:
    run = clone.run(sys.executable, "-m", "millrace", "reproduce", clone.digests["uncommitted"][:12])
    assert run.returncode == 3, run.stderr
    before, *_, last = [line.strip() for line in run.stdout.splitlines() if "model_files" in line]
    assert before.startswith("model_files is not in that commit as it was in training: commit ")
    assert "differs in file" in last
    assert "on 4,080 of them by more than rounding" in last
    names = [change.name for change in clone.recorded().differences]
    assert {"file scorer.onnx", "file schema.json", "code model_files"} <= set(names)
    assert clone.leftovers == []


def test_what_is_still_in_the_working_tree_or_was_committed_later_is_found_there(clone: Clone) -> None:
    digest = clone.digests["uncommitted"]
    model = clone.home.models / "fares" / "model.toml"
    now = model.read_text("utf-8")
    then = now.replace("pipeline:build", "linear").replace('"noise"]', '"luggage"]')
    (clone.home.models / "fares" / "pipeline.py").unlink()
    model.write_text(then, "utf-8")
    origins = []
    for commit in (False, True):
        if commit:
            clone.done("git", "add", "--all")
            clone.done("git", "-c", "user.name=a", "-c", "user.email=a@b.org", "commit", "-qm", "as it was")
            model.write_text(now, "utf-8")
        with prepared(digest, root=clone.root) as ready:
            [piece] = [piece for piece in ready.pieces if piece.name == "model_files"]
            assert piece.is_exact
            assert ready.uncommitted == (piece,)
            origins.append(piece.origin)
    assert origins[0] == "the working tree"
    assert origins[1].startswith("commit ")


def test_without_git_the_code_that_is_here_will_do_if_it_is_the_same_and_else_it_says_so(
    clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(clone.root / ".git")
    with pytest.raises(
        CodeGoneError, match=r"is in no git repository, .* millrace, model_files differ "
    ) as gone:
        clone.again("plain")
    assert "fetch" not in str(gone.value)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(clone.root))
        with pytest.raises(CodeGoneError, match="for git is not installed, and of the code"):
            clone.again("plain")
        diff = clone.done(
            sys.executable, "-m", "millrace", "diff", clone.digests["plain"], clone.digests["skops"]
        )
    assert "cannot be looked up: git is not installed" in diff
    status = clone.root / "millrace" / "cli" / "status.py"
    status.write_text(status.read_text("utf-8").removesuffix("\n# a line of help\n"), "utf-8")
    with prepared(clone.digests["skops"], root=clone.root) as ready:
        assert ready.commit is None
        assert {piece.origin for piece in ready.pieces} == {"the working tree"}
        show_before(ready)
        earlier = [
            dataclasses.replace(one, origin="commit 0123456789ab") if one.name == "model_files" else one
            for one in ready.pieces
        ]
        show_before(dataclasses.replace(ready, pieces=tuple(earlier)))
    told = capsys.readouterr().out
    assert ": no commit of it is here, dataset" in told
    assert "  millrace, flows, tasks, model_files, lock as in training: found in the working tree" in told
    assert "  model_files as in training: found in commit 0123456789ab" in told
    assert clone.leftovers == []


def test_a_part_that_was_lost_is_brought_back_and_one_that_is_nowhere_is_named(clone: Clone) -> None:
    [first, *_] = sorted((clone.home.path / "data" / "fares").iterdir())
    content = first.read_bytes()
    first.unlink()
    with prepared(clone.digests["plain"], root=clone.root):
        assert first.read_bytes() == content
    first.unlink()
    shutil.rmtree(clone.home.path / ".dvc" / "cache")
    shutil.rmtree(clone.home.path / "var" / "dvc-remote")
    (clone.home.models / "fares" / "source.py").unlink()
    with pytest.raises(LostPartError, match=r"of batch 2013-0\d is lost"):
        clone.again("plain")
    assert clone.leftovers == []


def test_whoever_stops_it_leaves_nothing_behind_and_a_training_that_fails_says_why(clone: Clone) -> None:
    def stop(step: str, _done: int, _total: int) -> None:
        if step == "read rows":
            raise KeyboardInterrupt

    token = listener.set(stop)
    with pytest.raises(KeyboardInterrupt):
        clone.again("plain")
    listener.reset(token)
    assert clone.processes == []
    assert clone.leftovers == []

    with prepared(clone.digests["plain"], root=clone.root) as ready:
        (ready.folder / "code" / "models" / "fares" / "model.toml").write_text("[model]\n", "utf-8")
        with pytest.raises(TrainingProcessError, match=r"exit code 1: .*model\.toml.*--keep"):
            train_again(ready, keep=False, now=LATER)
    assert clone.home.facts("fares", VersionReproduced) == []


def test_a_job_that_is_cancelled_leaves_nothing_behind_either(clone: Clone) -> None:
    command = (sys.executable, "-m", "millrace", "reproduce", clone.digests["plain"])
    place = clone.home.path / "var" / "reproduce"
    with clone.start(*command) as verb:
        while not list(place.glob(".*/home/datasets")):  # all is laid out: its training comes next
            assert verb.poll() is None
            time.sleep(0.01)
        verb.send_signal(signal.SIGTERM)
        assert verb.wait(60) == 130
    assert clone.leftovers == []
    assert clone.processes == []
    assert clone.home.facts("fares", VersionReproduced) == []


def test_packages_that_are_other_now_are_named_before_anything_is_trained_with_the_way_back(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    then = {"python": "2.7", "numpy": "1.0", "gone": "3"}
    with prepared(clone.digests["plain"], root=clone.root) as ready:
        assert ready.packages == ()
        packages = list_changes(then, installed_versions(then))
        show_before(dataclasses.replace(ready, packages=packages))
    told = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"numpy was 1.0, {version('numpy')} here: the manifest will differ" in told
    assert "gone was 3, not installed here: the manifest will differ" in told
    assert f"git show {(ready.commit or '')[:12]}:requirements.lock > then.lock && uv venv then" in told
    assert "uv pip sync --python then/bin/python then.lock" in told


def test_the_folder_of_one_that_was_killed_is_swept_up_and_one_that_was_kept_is_not(home: Home) -> None:
    place = home.path / "var" / "reproduce"
    for name in (".killed", "kept"):
        (place / name / "code").mkdir(parents=True)
        os.utime(place / name, (0, 0))
    assert sweep_leftovers() == 1
    assert [path.name for path in place.iterdir()] == ["kept"]


def test_a_version_that_nobody_knows_and_one_that_was_trained_elsewhere_are_refused(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    take_in_offers()
    with pytest.raises(UnknownBundleError, match="no version nix"), prepared("nix"):
        pass
    with pytest.raises(TrainedElsewhereError, match="was trained by staging"), prepared(digest):
        pass


def test_the_log_between_two_commits_is_part_of_what_differs(clone: Clone) -> None:
    run = clone.done(sys.executable, "-m", "millrace", "diff", clone.digests["plain"], clone.digests["skops"])
    assert "code: what trains and serves is the same" in run
    assert "2 commits only in the new:" in run
    log = [line.split(maxsplit=1)[1] for line in run.splitlines() if re.match(" {4}[0-9a-f]{7,} ", line)]
    assert log == ["a pipeline of our own", "search for hyperparameters"]
    assert "threshold and classes: same" in run
    assert "training.estimator" in run
    assert "other files of the folder changed: pipeline.py" in run
