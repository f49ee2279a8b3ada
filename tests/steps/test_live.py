"""Is it said when nobody asks any more, and does nobody wait for it?"""

import shutil
import socket
import threading

import pytest

from millrace.adapters.models import find_demo, find_model
from millrace.adapters.service_client import NotServedError, ServiceClient
from millrace.settings import PROJECT_ROOT
from millrace.steps.live import Asking, asking, change_gate
from tests.conftest import Home


@pytest.fixture
def nobody() -> str:
    """An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_without_answers_nobody_waits_and_the_reason_is_raised(published: Home, nobody: str) -> None:
    asked = asking(ServiceClient(nobody), "fares", "2013-03", 1.0)
    with asked, pytest.raises(NotServedError, match=f"{nobody}: needed /v1/models/fares/predict"):
        asked.wait(threading.TIMEOUT_MAX)


def test_what_ended_the_requests_is_raised_where_the_block_ends_unless_it_failed_itself() -> None:
    def ask(is_over: threading.Event) -> None:
        is_over.wait()
        raise KeyError("labels")

    with pytest.raises(KeyError, match="labels"), Asking(ask):
        pass
    with pytest.raises(ValueError, match="of the block"), Asking(ask):
        raise ValueError("of the block")


def test_while_all_goes_well_one_waits_as_long_as_was_said() -> None:
    def ask(is_over: threading.Event) -> None:
        is_over.wait()

    asked = Asking(ask)
    with asked:
        asked.wait(0.01)


def test_who_changes_a_gate_in_the_demo_leaves_its_sections_alone(home: Home) -> None:
    shutil.copytree(PROJECT_ROOT / "models" / "flights", home.models / "flights", dirs_exist_ok=True)
    before, (model, script) = find_model(home.models, "flights").gate, find_demo(home.models)
    assert script.live is not None
    assert before.slices is not None
    change_gate(model, script.live)
    assert find_model(home.models, model).gate == before.model_validate(
        {**before.model_dump(exclude_none=True), **script.live.slowing}
    )
