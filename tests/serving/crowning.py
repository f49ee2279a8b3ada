"""An installation with a ledger, in which champions are crowned by the real steps and without a training."""

import shutil
from pathlib import Path

import pytest

from millrace.adapters import clock
from millrace.domain.serving import plan_promotion
from millrace.settings import PROJECT_ROOT
from millrace.steps.serve import publish_model_pointer, roll_back
from millrace.steps.stores import ledger
from tests.conftest import Home
from tests.serving.service import ServiceHome
from tests.serving.under_load import MODEL


def enter_installation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceHome:
    """Make a fresh installation that has the shipped model, and work in it."""
    home = Home(folder / "home", folder / "models")
    shutil.copytree(PROJECT_ROOT / "models" / MODEL, home.models / MODEL)
    home.enter(monkeypatch)
    return ServiceHome(home.path)


def promote(digest: str) -> None:
    """Make a bundle the champion, and tell the services."""
    now = clock.now()
    fact = plan_promotion(ledger().serving(MODEL), digest, "by a test")
    ledger().change_serving(MODEL, fact, now, "a test", seen=fact.generation - 1)
    publish_model_pointer(MODEL, now)


def go_back() -> None:
    """Make the champion before the champion again, and tell the services."""
    now = clock.now()
    roll_back(MODEL, "by a test", now)
    publish_model_pointer(MODEL, now)
