"""One service with a model of each task, for every test that only asks."""

from collections.abc import Iterator

import pytest

from millrace.domain.kinds import Task
from millrace.domain.pointer import Durability, ServingSettings
from tests.serving.bundles import NAMES, keyed, odd_model, packed_model
from tests.serving.service import Packed, RunningService, ServiceHome, running_service

PRIVATE = ServingSettings(
    durability=Durability.FAST, hashed=("flight id",), left_out=(NAMES["weekday"],), sticky_key="flight id"
)


@pytest.fixture(scope="session")
def packed() -> dict[str, Packed]:
    """A bundle of each task: two with a key of a text and a time, one of them with odd names and limits."""
    return {
        "flights": keyed(packed_model(Task.BINARY)),
        "odd": odd_model(),
        "fares": packed_model(Task.REGRESSION),
    }


@pytest.fixture(scope="session")
def service(packed: dict[str, Packed], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """What answers for these; `odd` is logged fast and in private."""
    home = ServiceHome(tmp_path_factory.mktemp("service"))
    for model, bundle in packed.items():
        home.publish(model, home.add(model, bundle), settings=PRIVATE if model == "odd" else None)
    with running_service(home) as running:
        yield running
