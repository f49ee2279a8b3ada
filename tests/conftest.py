"""A fresh installation for every test that wants one, and one Prefect server for all of them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from millrace.adapters.catalogue.store import create_store
from millrace.adapters.ledger import Ledger
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.stores import ledger

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
"""When most tests happen: the first quarter of 2013 is over."""


@dataclass(frozen=True)
class Home:
    """A fresh `MILLRACE_HOME` with models of its own."""

    path: Path
    models: Path

    @property
    def ledger(self) -> Ledger:
        return ledger()

    def inbox(self, model: str, name: str) -> Path:
        folder = self.path / "inbox" / model
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


@pytest.fixture(scope="session")
def catalogue_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store: creating one takes seconds, copying it none."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite"
    create_store(path)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_template: Path) -> Home:
    """A fresh installation: nothing ingested, nothing trained, both shipped models in its models folder."""
    models = tmp_path / "models"
    shutil.copytree(PROJECT_ROOT / "models", models, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MILLRACE_LEDGER_URL", "MLFLOW_TRACKING_URI", "MILLRACE_ALERT_URLS", "MILLRACE_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MILLRACE_MODELS", str(models))
    settings = load_settings()
    settings.var.mkdir(parents=True)
    shutil.copyfile(catalogue_template, settings.var / "catalogue.sqlite")
    return Home(settings.home, models)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server with a database of its own, for every test that runs a flow."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
