"""Are people whom an alert tells of parked work told a command that there is?"""

import re

import pytest

from millrace.cli.main import app
from millrace.domain.alert import alert_about
from millrace.domain.facts import RunParked
from millrace.domain.work import FlowName
from tests.conftest import NOON, Home


@pytest.mark.parametrize("flow", list(FlowName))
def test_what_an_alert_says_to_do_about_parked_work_can_be_done(flow: FlowName, home: Home) -> None:
    entry = home.ledger.append("flights", RunParked("a key", flow, 4, "still undone"), NOON, "tests")
    told = alert_about(entry)
    assert told is not None
    said = re.findall("`millrace (.*?)`", told.body)
    assert len(said) == 2
    for command in said:
        app.parse_args(command, exit_on_error=False, print_error=False)
