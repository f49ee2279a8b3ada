"""Is it said when nobody asks any more, and does nobody wait for it?"""

import socket
import threading

import pytest

from millrace.adapters.service_client import NotServedError, ServiceClient
from millrace.steps.live import Asking, asking
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
