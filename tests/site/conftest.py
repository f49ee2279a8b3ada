"""One installation and one site on it, for every test that only looks."""

from collections.abc import Iterator

import pytest

from tests.site.told import RunningSite, Told, running_site, tell_all


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell_all(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def site(told: Told) -> Iterator[RunningSite]:
    with running_site(told.home) as running:
        yield running
