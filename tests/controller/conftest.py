"""One stack of processes for the tests of this folder, on a home with the planted model that has an inbox."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PLANTED, Home
from tests.controller.stack import Stack, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Stack]:
    """Prefect's server with all deployments, a worker and a controller; `fares` takes in files."""
    home = lay_out(tmp_path_factory.mktemp("stack"), catalogue_template)
    with running(Stack(home.path, home.models), "server", "worker", "controller") as stack:
        yield stack


@pytest.fixture(autouse=True)
def here(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test itself look into the home of the stack."""
    Home(stack.home, stack.models).enter(monkeypatch)


def lay_out(root: Path, catalogue: Path) -> Home:
    """Make a home with no model but `fares`, which has an inbox."""
    home = Home(root / "home", root / "models")
    home.models.mkdir()
    (home.path / "var").mkdir(parents=True)
    shutil.copyfile(catalogue, home.path / "var" / "catalogue.sqlite")
    shutil.copytree(PLANTED / "fares", home.models / "fares")
    home.rewrite("fares", 'source = "python"', 'source = "files"\ninbox = "inbox/fares/*.parquet"')
    home.rewrite("fares", 'cooldown = "6h"', 'cooldown = "0s"')
    home.rewrite("fares", "budget_per_day = 4", "budget_per_day = 1000")
    home.rewrite("fares", "min_rows = 500", "min_rows = 30")
    home.rewrite("fares", "min_new_rows = 500", "min_new_rows = 30")
    return home
