"""A fresh installation for every test that wants one, and one Prefect server for all of them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from millrace.adapters.catalogue.store import create_store
from millrace.adapters.ledger import Ledger
from millrace.adapters.models import change_features
from millrace.domain.facts import Fact
from millrace.domain.serving import Serving
from millrace.settings import PROJECT_ROOT
from millrace.steps.stores import ledger
from tests.webhook import Webhook

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
"""When most tests happen: the first quarter of 2013 is over."""

PLANTED = Path(__file__).parent / "planted"
TEXT = ("tariff",)
"""The columns of the planted models that hold text."""

ROLLOUT = {
    "strategy": "canary",
    "weights": [5, 50],
    "approval": "auto",
    "step_requests": 500,
    "interval": "1m",
    "failure_limit": 3,
    "deadline": "2h",
    "probation_labels": 2000,
    "probation_deadline": "7d",
    "confidence": 0.95,
    "max_excess_errors": 0.01,
    "max_latency_ratio": 1.5,
    "max_shift": 0.5,
    "max_disagreement": 0.2,
    "max_excess_loss": 0.1,
}
"""A `[rollout]`, which the planted models have not: what passes their gate is champion at once."""


@dataclass(frozen=True)
class Home:
    """A fresh `MILLRACE_HOME` with models of its own."""

    path: Path
    models: Path

    @classmethod
    def make(cls, root: Path, catalogue: Path) -> "Home":
        """Lay out a fresh installation under `root`, with the shipped models and an empty catalogue."""
        home = cls(root / "home", root / "models")
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT_ROOT / "models", home.models, ignore=leave)
        (home.path / "var").mkdir(parents=True)
        shutil.copyfile(catalogue, home.path / "var" / "catalogue.sqlite")
        return home

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the installation everything works on, whatever the shell of the tests says."""
        for name in (
            "MILLRACE_LEDGER_URL",
            "MLFLOW_TRACKING_URI",
            "MILLRACE_ALERT_URLS",
            "MILLRACE_ACTOR",
            "MILLRACE_CHANNEL",
        ):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("MILLRACE_HOME", str(self.path))
        monkeypatch.setenv("MILLRACE_MODELS", str(self.models))

    @property
    def ledger(self) -> Ledger:
        return ledger()

    def add_model(self, name: str) -> None:
        """Add one of the planted models of tests/planted."""
        shutil.copytree(PLANTED / name, self.models / name)

    def learn_from(self, model: str, *columns: str) -> None:
        """Let the model see these columns only; text is categorical, all else numeric."""
        categorical = [column for column in columns if column in TEXT]
        numeric = [column for column in columns if column not in TEXT]
        change_features(self.models, model, numeric, categorical)

    def rewrite(self, model: str, old: str, new: str) -> None:
        """Replace a piece of the model's `model.toml`."""
        path = self.models / model / "model.toml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def serving(self, model: str) -> Serving:
        return ledger().serving(model)

    def facts(self, model: str, *kinds: type) -> list[Fact]:
        return [entry.fact for entry in ledger().entries(model, kinds)]

    def kinds(self, model: str) -> list[str]:
        """Name the kinds of all entries of the model, in order."""
        return [entry.kind for entry in ledger().entries(model)]

    def left_in_staging(self) -> list[str]:
        staging = self.path / "var" / "staging"
        return sorted(path.name for path in staging.iterdir()) if staging.exists() else []

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
    home = Home.make(tmp_path, catalogue_template)
    home.enter(monkeypatch)
    return home


@pytest.fixture
def fares(home: Home) -> Home:
    """A fresh installation with the planted model `fares` in it; nothing has arrived yet."""
    home.add_model("fares")
    return home


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A real HTTP server that alerts go to."""
    with Webhook() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setenv("MILLRACE_ALERT_URLS", server.url)
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server with a database of its own, for every test that runs a flow."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
