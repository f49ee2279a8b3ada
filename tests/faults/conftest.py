"""Fresh installations for runs that die."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import bodies, processes
from tests.faults.tides import OTHER_HOMES, move_in, new_home


@pytest.fixture(scope="session")
def ingested_template(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Path:
    """An installation that has taken in its first batch."""
    home = new_home(tmp_path_factory.mktemp("tides") / "home", catalogue_template)
    assert processes.run(home, bodies.ingest) == 0, processes.complaint(home)
    return home


@pytest.fixture
def tides_home(tmp_path: Path, catalogue_template: Path) -> Iterator[Path]:
    """An installation with its first batch in the inbox; this process works in it too."""
    yield from _moved_in(new_home(tmp_path / "home", catalogue_template))


@pytest.fixture
def ingested_home(tmp_path: Path, ingested_template: Path) -> Iterator[Path]:
    """An installation with its first batch in the dataset; this process works in it too."""
    home = tmp_path / "home"
    shutil.copytree(ingested_template, home)
    yield from _moved_in(home)


def _moved_in(home: Path) -> Iterator[Path]:
    names = (*OTHER_HOMES, "MILLRACE_HOME", "MILLRACE_MODELS")
    before = {name: os.environ[name] for name in names if name in os.environ}
    move_in(home)
    yield home
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(before)
