"""Whatever differs from the ledger is put right, with a record; nothing is said when all is well."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace.domain.facts import MirrorRepaired
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.reconcile import reconcile_model
from millrace.steps.stores import catalogue
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

Harm = Callable[[Home, str], object]


def pointer_file(home: Home, model: str) -> Path:
    return load_settings().channel / model / "pointer.json"


def dataset_file(home: Home, model: str) -> Path:
    return home.path / "datasets" / f"{model}.json"


def move_pointer(home: Home, model: str) -> None:
    signed = json.loads(pointer_file(home, model).read_text())
    signed["pointer"]["arms"][0]["digest"] = "0" * 64
    pointer_file(home, model).write_text(json.dumps(signed))


def forge_pointer(home: Home, model: str) -> None:
    signed = json.loads(pointer_file(home, model).read_text())
    signed["pointer"]["generation"] += 1
    signed["signature"] = base64.b64encode(b"x" * 64).decode()
    pointer_file(home, model).write_text(json.dumps(signed))


HARMS: list[tuple[str, str, str, Harm]] = [
    ("deleted pointer", "pointer", "no pointer",
     lambda home, model: pointer_file(home, model).unlink()),
    ("moved pointer", "pointer", "its signature is wrong", move_pointer),
    ("forged pointer", "pointer", "its signature is wrong", forge_pointer),
    ("cut pointer", "pointer", "is not a signed pointer",
     lambda home, model: pointer_file(home, model).write_bytes(b"{")),
    ("deleted alias", "alias", "alias champion was version None",
     lambda _home, model: catalogue()._client.delete_registered_model_alias(model, "champion")),
    ("deleted dataset file", "dataset", "no dataset file",
     lambda home, model: dataset_file(home, model).unlink()),
    ("edited dataset file", "dataset", "it was changed by hand",
     lambda home, model: dataset_file(home, model).write_text(
         dataset_file(home, model).read_text().replace('"rows": ', '"rows":  '))),
    ("cut dataset file", "dataset", "Input data was truncated",
     lambda home, model: dataset_file(home, model).write_bytes(b"{")),
    ("deleted pin", "dataset", "data.dvc did not pin all of data/",
     lambda home, _model: (home.path / "data.dvc").unlink()),
]  # fmt: skip


@pytest.mark.parametrize(("mirror", "found", "harm"), [case[1:] for case in HARMS], ids=[c[0] for c in HARMS])
def test_what_was_changed_or_lost_by_hand_is_rewritten_once(
    published: Home, mirror: str, found: str, harm: Harm
) -> None:
    model = "progression"
    state = [pointer_file(published, model).read_bytes(), dataset_file(published, model).read_bytes()]
    state.append((published.path / "data.dvc").read_bytes())
    harm(published, model)
    [repaired] = reconcile_model(model, "by hand", NOON).repaired
    assert repaired.mirror == mirror
    assert found in repaired.found
    assert published.facts(model, MirrorRepaired) == [repaired]
    after = [pointer_file(published, model).read_bytes(), dataset_file(published, model).read_bytes()]
    assert [*after, (published.path / "data.dvc").read_bytes()] == state
    assert catalogue().alias(model, "champion") == 1
    assert reconcile_model(model, "by hand", NOON).repaired == ()


def test_an_alias_that_was_moved_goes_back_to_what_serves(published: Home) -> None:
    catalogue().set_alias("fares", "champion", 2)
    [repaired] = reconcile_model("fares", "by hand", NOON).repaired
    assert (repaired.mirror, repaired.found) == ("alias", "alias champion was version 2")
    assert catalogue().alias("fares", "champion") == 1


def test_an_old_pointer_that_is_put_back_is_overtaken(published: Home) -> None:
    old = pointer_file(published, "fares").read_bytes()
    published.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON, force=True, in_catalogue=True)
    new = pointer_file(published, "fares").read_bytes()
    pointer_file(published, "fares").write_bytes(old)
    [repaired] = reconcile_model("fares", "by hand", NOON).repaired
    assert (repaired.mirror, repaired.found) == ("pointer", "pointer at generation 1")
    assert pointer_file(published, "fares").read_bytes() == new


@pytest.mark.parametrize("model", ["fares", "progression"])
def test_when_all_is_well_nothing_is_said(published: Home, model: str) -> None:
    before = published.kinds(model)
    assert reconcile_model(model, "by hand", NOON).repaired == ()
    assert published.kinds(model) == before


def test_a_model_of_which_nothing_is_known_needs_nothing(fares: Home) -> None:
    assert reconcile_model("fares", "by hand", NOON).repaired == ()
    assert fares.kinds("fares") == []


def test_a_crash_after_the_entry_is_made_good(fares: Home) -> None:
    """The entry is the commit point: dataset file, pin and pointer follow, whenever it may be."""
    take_in("fares", NOON)
    retrain("fares", NOON, in_catalogue=True)
    pointer_file(fares, "fares").unlink()
    dataset_file(fares, "fares").unlink()
    (fares.path / "data.dvc").unlink()
    catalogue()._client.delete_registered_model_alias("fares", "champion")
    mirrors = [repaired.mirror for repaired in reconcile_model("fares", "by hand", NOON).repaired]
    assert mirrors == ["dataset", "pointer", "alias"]
    assert dataset_file(fares, "fares").read_text() == current_dataset("fares").text
