"""An installation where both a shipped and a planted model answer, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest

from millrace.settings import load_settings
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.two_homes import MODEL, TwoHomes


@pytest.fixture(scope="session")
def published_template(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Path:
    """`progression` has one version, which answers; `fares` has two, of which the second was refused."""
    root = tmp_path_factory.mktemp("published")
    home = Home.make(root, catalogue_template)
    home.add_model("fares")
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        for model in ("fares", "progression"):
            take_in(model, NOON)
            retrain(model, NOON, in_catalogue=True)
        home.learn_from("fares", "noise")
        retrain("fares", NOON, force=True, in_catalogue=True)
    return root


@pytest.fixture
def published(published_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of it. Only the artifacts in MLflow lie where they were written: it stores absolute paths."""
    shutil.copytree(published_template, tmp_path, dirs_exist_ok=True)
    home = Home(tmp_path / "home", tmp_path / "models")
    home.enter(monkeypatch)
    assert load_settings().home == home.path
    return home


@pytest.fixture
def homes(
    published: Home, tmp_path: Path, catalogue_template: Path, monkeypatch: pytest.MonkeyPatch
) -> TwoHomes:
    """Staging has a champion and a refused version of `fares`; production has the model, and no version."""
    production = Home.make(tmp_path / "production", catalogue_template)
    production.add_model(MODEL)
    homes = TwoHomes(published, production, monkeypatch)
    homes.channel.mkdir()
    homes.at(homes.production)
    return homes
