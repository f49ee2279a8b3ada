"""One installation and one site on it, for every test that only looks."""

from collections.abc import Iterator

import pytest

from tests.site.told import RunningSite, Told, running_site, tell_all
from tests.site.watching import Watching, watch_all


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell_all(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def site(told: Told) -> Iterator[RunningSite]:
    with running_site(told.home) as running:
        yield running


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """An installation whose models are monitored; each test that looks at one more names it otherwise."""
    return tell_all(tmp_path_factory.mktemp("watched"))


@pytest.fixture(scope="session")
def watching(watched: Told) -> Watching:
    """The looks at `fares`, in which all has happened."""
    return watch_all(watched)


@pytest.fixture(scope="session")
def watched_site(watching: Watching) -> Iterator[RunningSite]:
    with running_site(watching.home) as running:
        yield running
