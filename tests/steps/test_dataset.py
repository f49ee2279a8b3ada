"""Every dataset version comes back by its hash, byte for byte, or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace.adapters.parts import CorruptPartError
from millrace.adapters.pins import is_pin_current, restore_data
from millrace.domain.dataset import Dataset
from millrace.domain.facts import ChallengerTrained, DatasetAdopted, DatasetCheckedOut
from millrace.settings import PROJECT_ROOT
from millrace.steps.dataset import (
    UnknownVersionError,
    UnrestoredPartsError,
    current_dataset,
    ensure_restored,
    ensure_whole,
    find_dataset_version,
    list_datasets,
)
from millrace.steps.restore import LostPartError, check_out_dataset, restore_dataset
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

Clone = Callable[..., Home]


@pytest.fixture
def clone(fares: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make the next home a fresh clone of `fares`: what git has of it, and nothing else."""

    def make() -> Home:
        fresh = tmp_path / "clone"
        shutil.copytree(fares.path / "datasets", fresh / "datasets")
        shutil.copy(fares.path / "data.dvc", fresh / "data.dvc")
        monkeypatch.setenv("MILLRACE_HOME", str(fresh))
        return Home(fresh, fares.models)

    return make


def part_file(home: Home, model: str, position: int) -> Path:
    return home.path / "data" / model / f"{current_dataset(model).parts[position].sha256}.parquet"


def rot(path: Path) -> None:
    """Flip one bit, as a disk would: the file is read-only and its size stays."""
    content = bytearray(path.read_bytes())
    content[1_000] ^= 1
    path.unlink()  # a hard link into DVC's cache
    path.write_bytes(content)


def test_every_version_there_was_is_listed_and_found_by_its_first_characters(fares: Home) -> None:
    take_in("fares", NOON)
    versions = [dataset.version for dataset in list_datasets("fares")]
    assert [len(dataset.parts) for dataset in list_datasets("fares")] == [0, 1, 2, 3]
    assert find_dataset_version("fares", versions[2][:8]).version == versions[2]
    with pytest.raises(UnknownVersionError, match=r"no dataset version 0000\. `millrace data list fares`"):
        find_dataset_version("fares", "0000")


def test_an_earlier_version_comes_back_by_its_hash_and_is_trained_on(fares: Home) -> None:
    take_in("fares", NOON)
    earlier, latest = list_datasets("fares")[2:]
    part_file(fares, "fares", 0).unlink()
    check_out_dataset("fares", earlier.version[:10], NOON)
    assert current_dataset("fares") == earlier
    content = (fares.path / "datasets" / "fares.json").read_text()
    assert content == earlier.text
    assert part_file(fares, "fares", 0).exists()
    assert retrain("fares", NOON).decision.inputs.dataset == earlier.version
    assert check_out_dataset("fares", latest.version, NOON) == latest
    assert len(fares.facts("fares", DatasetCheckedOut)) == 2


def test_checking_out_what_is_current_changes_nothing(fares: Home) -> None:
    take_in("fares", NOON)
    check_out_dataset("fares", current_dataset("fares").version, NOON)
    assert fares.facts("fares", DatasetCheckedOut) == []


def test_a_fresh_clone_is_rebuilt_by_the_source_to_the_same_hash_and_adopted_once(
    fares: Home, clone: Clone
) -> None:
    take_in("fares", NOON)
    original = current_dataset("fares")
    fresh = clone()
    assert restore_dataset("fares", NOON) == original
    restore_dataset("fares", NOON)
    assert fresh.kinds("fares") == ["DatasetAdopted"]
    assert current_dataset("fares") == original
    assert retrain("fares", NOON).trained is not None
    assert (fresh.path / "data.dvc").read_text() == (fares.path / "data.dvc").read_text()


def test_ingest_and_retrain_in_a_fresh_clone_name_the_command_to_run(fares: Home, clone: Clone) -> None:
    take_in("fares", NOON)
    fresh = clone()
    for act in (take_in, retrain):
        with pytest.raises(UnrestoredPartsError, match=r"3 parts of fares .* run `millrace data restore`"):
            act("fares", NOON)
    assert fresh.kinds("fares") == []


def test_a_new_model_in_a_fresh_clone_waits_for_no_other_and_the_pin_keeps_their_bytes(
    fares: Home, clone: Clone
) -> None:
    take_in("progression", NOON)
    came_with_it = current_dataset("progression")
    fresh = clone()
    take_in("fares", NOON)
    assert retrain("fares", NOON).trained is not None
    assert fresh.kinds("progression") == []
    assert is_pin_current(fresh.path)
    assert part_path(fresh, came_with_it).exists()
    shutil.rmtree(fresh.path / "data")
    restore_data(fresh.path)
    assert part_path(fresh, came_with_it).exists()
    with pytest.raises(UnrestoredPartsError, match="1 parts of progression are listed"):
        take_in("progression", NOON)
    assert restore_dataset("progression", NOON) == came_with_it


def test_one_model_comes_back_by_itself_and_the_pin_is_whole_with_the_last(fares: Home, clone: Clone) -> None:
    for model in ("fares", "progression"):
        take_in(model, NOON)
    other = current_dataset("progression")
    fresh = clone()
    restore_dataset("fares", NOON)
    assert not part_path(fresh, other).exists()
    assert not is_pin_current(fresh.path)
    restore_dataset("progression", NOON)
    assert is_pin_current(fresh.path)


def test_an_example_that_was_deleted_from_a_fresh_clone_holds_no_other_up(fares: Home, clone: Clone) -> None:
    take_in("progression", NOON)
    fresh = clone()
    shutil.rmtree(fresh.models / "progression")
    take_in("fares", NOON)
    ensure_restored()
    ensure_whole()
    assert retrain("fares", NOON).trained is not None
    assert is_pin_current(fresh.path)


def test_a_model_that_the_ledger_knows_is_waited_for_without_its_folder(fares: Home) -> None:
    take_in("progression", NOON)
    part_file(fares, "progression", 0).unlink()
    shutil.rmtree(fares.models / "progression")
    with pytest.raises(UnrestoredPartsError, match="1 parts of progression are listed"):
        ensure_whole()


def part_path(home: Home, dataset: Dataset) -> Path:
    [part] = dataset.parts
    return home.path / "data" / dataset.model / f"{part.sha256}.parquet"


def test_bytes_of_another_model_that_nothing_gives_again_keep_the_pin_as_it_was(
    fares: Home, clone: Clone
) -> None:
    take_in("progression", NOON)
    fresh = clone()
    pinned = (fresh.path / "data.dvc").read_text()
    (fresh.models / "progression" / "source.py").unlink()
    with pytest.raises(UnrestoredPartsError, match="1 parts of progression are listed"):
        take_in("fares", NOON)
    assert (fresh.path / "data.dvc").read_text() == pinned


def test_what_this_repository_pins_comes_back_byte_for_byte(home: Home) -> None:
    shutil.copytree(PROJECT_ROOT / "datasets", home.path / "datasets")
    shutil.copy(PROJECT_ROOT / "data.dvc", home.path / "data.dvc")
    for file in (home.path / "datasets").iterdir():
        content = file.read_text()
        assert restore_dataset(file.stem, NOON).text == content
        assert [type(fact) for fact in home.facts(file.stem)] == [DatasetAdopted]
    assert (home.path / "data.dvc").read_text() == (PROJECT_ROOT / "data.dvc").read_text()


def test_an_unpacked_archive_of_the_clone_has_no_git_and_works_all_the_same(
    fares: Home, clone: Clone
) -> None:
    take_in("fares", NOON)
    fresh = clone()
    (fresh.path / ".dvc").mkdir()
    shutil.copy(PROJECT_ROOT / ".dvc" / "config", fresh.path / ".dvc" / "config")
    restore_dataset("fares", NOON)
    assert retrain("fares", NOON).trained is not None


def test_a_rotten_byte_is_found_before_anything_is_trained(fares: Home) -> None:
    take_in("fares", NOON)
    rot(part_file(fares, "fares", 1))
    with pytest.raises(CorruptPartError, match=r"found sha256 .* Run `millrace data restore fares`"):
        retrain("fares", NOON)
    assert fares.facts("fares", ChallengerTrained) == []
    assert fares.serving("fares").champion is None


def test_a_rotten_part_is_brought_back_from_the_pin(fares: Home) -> None:
    take_in("fares", NOON)
    shutil.rmtree(fares.models / "fares" / "__pycache__", ignore_errors=True)
    (fares.models / "fares" / "source.py").unlink()  # the source could not do it
    rot(part_file(fares, "fares", 1))
    part_file(fares, "fares", 2).unlink()
    restore_dataset("fares", NOON)
    assert retrain("fares", NOON).trained is not None


def test_a_part_that_is_rotten_in_the_cache_too_is_rebuilt_by_the_source(fares: Home) -> None:
    take_in("fares", NOON)
    os.rename(fares.path / ".dvc" / "cache", fares.path / "lost-cache")
    os.rename(fares.path / "var" / "dvc-remote", fares.path / "lost-remote")
    rot(part_file(fares, "fares", 1))
    restore_dataset("fares", NOON)
    assert retrain("fares", NOON).trained is not None


def test_a_source_that_gives_other_rows_cannot_stand_in_for_lost_bytes(fares: Home, clone: Clone) -> None:
    take_in("fares", NOON)
    source = fares.models / "fares" / "source.py"
    source.write_text(source.read_text().replace("20.0 *", "21.0 *"))
    fresh = clone()
    with pytest.raises(LostPartError, match=r"part .* of batch 2013-01 is lost: .* its source now gives"):
        restore_dataset("fares", NOON)
    assert fresh.kinds("fares") == []
    assert list((fresh.path / "data" / "fares").iterdir()) == []
