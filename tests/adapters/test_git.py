"""Does a lineage name the commit its code came from, and only that?"""

import subprocess
from pathlib import Path

import pytest

from millrace.adapters.git import head_commit


@pytest.fixture(autouse=True)
def own_git_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "flow.py").write_text("x = 1\n")
    (folder / ".gitignore").write_text("var/\n")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


def test_it_is_the_commit_that_is_checked_out(clone: Path) -> None:
    first = commit(clone)
    (clone / "flow.py").write_text("x = 2\n")
    assert commit(clone) != first
    git(clone, "checkout", "--quiet", "--detach", first)
    assert head_commit(clone) == first


def test_a_folder_inside_the_clone_has_the_same_commit(clone: Path) -> None:
    (clone / "models").mkdir()
    (clone / "models" / "model.toml").touch()
    head = commit(clone)
    assert head_commit(clone / "models") == head


@pytest.mark.parametrize("changed", ["flow.py", "new.py"])
def test_changed_and_new_files_make_it_dirty(clone: Path, changed: str) -> None:
    head = commit(clone)
    (clone / changed).write_text("x = 3\n")
    assert head_commit(clone) == f"{head}-dirty"


def test_what_git_ignores_does_not_make_it_dirty(clone: Path) -> None:
    head = commit(clone)
    (clone / "var").mkdir()
    (clone / "var" / "ledger.sqlite").touch()
    assert head_commit(clone) == head


def test_without_a_commit_or_a_repository_there_is_none(clone: Path, tmp_path: Path) -> None:
    assert head_commit(clone) is None
    assert head_commit(tmp_path) is None
    assert head_commit(tmp_path / "nowhere") is None


def test_without_git_there_is_none(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(clone)
    monkeypatch.setenv("PATH", "")
    assert head_commit(clone) is None


def test_a_git_that_hangs_is_not_waited_for(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(clone)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("millrace.adapters.git._TIMEOUT_SECONDS", 0.2)
    assert head_commit(clone) is None


def test_the_repository_of_a_git_hook_is_not_mistaken_for_this_one(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = commit(clone)
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert head_commit(clone) == head
