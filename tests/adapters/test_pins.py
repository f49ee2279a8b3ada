"""Does `data.dvc` bring back every byte, and only bytes that are still right?"""

import hashlib
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.adapters.pins import (
    NoPinError,
    PinUnavailableError,
    init_home,
    is_pin_current,
    pin_data,
    restore_data,
)


def add_part(home: Path, content: bytes, model: str = "any") -> Path:
    file = home / "data" / model / f"{hashlib.sha256(content).hexdigest()}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path)
    return tmp_path


@pytest.fixture
def pinned(home: Path) -> Path:
    for number in range(3):
        add_part(home, b"%d" % number * 1_000)
    pin_data(home)
    return home


def contents(home: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (home / "data").rglob("*.parquet")}


def overwrite(file: Path, content: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(content)


def test_what_is_pinned_is_current_until_a_file_comes_or_goes(pinned: Path) -> None:
    assert is_pin_current(pinned)
    new = add_part(pinned, b"new")
    assert not is_pin_current(pinned)
    new.unlink()
    assert is_pin_current(pinned)
    next(iter((pinned / "data" / "any").iterdir())).unlink()
    assert not is_pin_current(pinned)


def test_another_file_of_the_same_size_is_not_the_pinned_one(pinned: Path) -> None:
    next(iter((pinned / "data" / "any").iterdir())).unlink()
    add_part(pinned, b"x" * 1_000)
    assert not is_pin_current(pinned)


def test_without_a_pin_nothing_is_current_and_nothing_can_be_restored(home: Path) -> None:
    add_part(home, b"one")
    assert not is_pin_current(home)
    with pytest.raises(NoPinError, match=r"data\.dvc: no such file.*Run `millrace ingest` first"):
        restore_data(home)


def test_a_pin_with_a_merge_conflict_is_not_current_and_says_why_it_cannot_be_restored(pinned: Path) -> None:
    (pinned / "data.dvc").write_text("<<<<<<< ours\nouts:\n=======\n")
    assert not is_pin_current(pinned)
    with pytest.raises(PinUnavailableError, match=r"data\.dvc"):
        restore_data(pinned)


def test_pinning_twice_is_pinning_once(pinned: Path) -> None:
    before = (pinned / "data.dvc").read_bytes()
    pin_data(pinned)
    assert (pinned / "data.dvc").read_bytes() == before


def test_equal_data_has_an_equal_pin_in_another_home(
    pinned: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    init_home(other)
    shutil.copytree(pinned / "data", other / "data")
    pin_data(other)
    assert (other / "data.dvc").read_bytes() == (pinned / "data.dvc").read_bytes()


def test_a_fresh_clone_gets_its_data_from_the_remote(
    pinned: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = tmp_path_factory.mktemp("clone")
    init_home(clone)
    shutil.copy(pinned / "data.dvc", clone)
    shutil.copytree(pinned / "var" / "dvc-remote", clone / "var" / "dvc-remote")
    assert not is_pin_current(clone)
    restore_data(clone)
    assert contents(clone) == contents(pinned)
    assert is_pin_current(clone)


def test_lost_files_come_back_without_a_remote_and_new_ones_stay(pinned: Path) -> None:
    wanted = contents(pinned)
    shutil.rmtree(pinned / "var" / "dvc-remote")
    shutil.rmtree(pinned / "data")
    new = add_part(pinned, b"not pinned yet")
    restore_data(pinned)
    assert contents(pinned) == wanted | {new.name: b"not pinned yet"}


def test_an_earlier_pin_brings_earlier_files_back(pinned: Path) -> None:
    earlier, wanted = (pinned / "data.dvc").read_text(), contents(pinned)
    shutil.rmtree(pinned / "data")
    add_part(pinned, b"later")
    pin_data(pinned)
    (pinned / "data.dvc").write_text(earlier)
    restore_data(pinned)
    assert wanted.items() <= contents(pinned).items()


def test_rot_that_reached_the_cache_is_healed_from_the_remote(pinned: Path) -> None:
    wanted = contents(pinned)
    file = next(iter((pinned / "data" / "any").iterdir()))
    overwrite(file, b"9" * 1_000)  # a hard link: the cache has rotted with it
    restore_data(pinned)
    assert contents(pinned) == wanted


def test_rot_everywhere_is_unavailable_and_never_restored(pinned: Path) -> None:
    file = next(iter((pinned / "data" / "any").iterdir()))
    md5 = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    overwrite(file, b"9" * 1_000)
    overwrite(pinned / "var" / "dvc-remote" / "files" / "md5" / md5[:2] / md5[2:], b"8" * 1_000)
    with pytest.raises(PinUnavailableError, match=f"neither the DVC cache nor the remote has .*{file.name}"):
        restore_data(pinned)
    assert not file.exists()


@pytest.mark.parametrize("keep_listing", [True, False])
def test_bytes_that_are_nowhere_are_named(pinned: Path, keep_listing: bool) -> None:
    file = next(iter((pinned / "data" / "any").iterdir()))
    shutil.rmtree(pinned / "var" / "dvc-remote")
    shutil.rmtree(pinned / "data")
    for cached in (pinned / ".dvc" / "cache").rglob("*"):
        if cached.is_file() and not (keep_listing and cached.suffix == ".dir"):
            cached.unlink()
    missing = file.name if keep_listing else "the list of its 3 files"
    with pytest.raises(PinUnavailableError, match=missing):
        restore_data(pinned)


def test_a_pin_that_died_before_its_push_is_pushed_by_the_next_one(pinned: Path) -> None:
    shutil.rmtree(pinned / "var" / "dvc-remote")
    pin_data(pinned)
    stored = {file.name for file in (pinned / "var" / "dvc-remote").rglob("*") if file.is_file()}
    assert len(stored) == 4


def test_calls_at_the_same_time_wait_for_each_other(home: Path) -> None:
    for number in range(4):
        add_part(home, bytes([number]) * 500)
    with ThreadPoolExecutor() as pool:
        list(pool.map(pin_data, [home] * 4))
    assert is_pin_current(home)


def test_nothing_is_printed(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    add_part(home, b"one")
    pin_data(home)
    restore_data(home)
    assert capfd.readouterr() == ("", "")


def test_the_clone_stays_clean_except_for_the_pin(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.check_output(["git", *identity, *arguments], cwd=tmp_path, text=True)

    git("init", "-q")
    (tmp_path / ".gitignore").write_text("/data/\n/var/\n")
    init_home(tmp_path)
    assert "no_scm" not in (tmp_path / ".dvc" / "config").read_text()  # `dvc metrics diff` needs git
    git("add", "-A")
    git("commit", "-qm", "start")
    add_part(tmp_path, b"one")
    pin_data(tmp_path)
    assert git("status", "--short").split() == ["??", "data.dvc"]
    git("add", "data.dvc")
    git("commit", "-qm", "pin")
    add_part(tmp_path, b"two")
    pin_data(tmp_path)
    shutil.rmtree(tmp_path / "data")
    restore_data(tmp_path)
    assert git("status", "--short").split() == ["M", "data.dvc"]


def test_a_home_inside_a_clone_is_none_of_its_business(tmp_path: Path) -> None:
    subprocess.check_call(["git", "init", "-q"], cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("/var/\n")
    home = tmp_path / "var" / "demo"
    init_home(home)
    assert "no_scm = true" in (home / ".dvc" / "config").read_text()
    add_part(home, b"one")
    pin_data(home)
    status = subprocess.check_output(["git", "status", "--short"], cwd=tmp_path, text=True)
    assert status.split() == ["??", ".gitignore"]


def test_a_home_that_is_set_up_keeps_its_own_remote(pinned: Path) -> None:
    config = pinned / ".dvc" / "config"
    changed = config.read_text().replace("../var/dvc-remote", "../elsewhere")
    config.write_text(changed)
    init_home(pinned)
    assert config.read_text() == changed
    pin_data(pinned)
    assert (pinned / "elsewhere").is_dir()


def test_the_config_holds_no_path_of_this_machine(home: Path) -> None:
    assert str(home) not in (home / ".dvc" / "config").read_text()
    assert "url = ../var/dvc-remote" in (home / ".dvc" / "config").read_text()
