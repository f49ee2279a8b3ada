"""Are all people told, and is it said who was not, without giving their secrets away?"""

import socket

import pytest

from millrace.adapters.alerts import AlertNotSentError, send_alert
from tests.webhook import Webhook


@pytest.fixture
def dead_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"json://who:hush@127.0.0.1:{port}/hooks/hush?+X-Token=hush"


def test_every_address_gets_the_title_and_the_body_once(webhook: Webhook) -> None:
    send_alert([webhook.url, webhook.url], "fares: gate refused", "auc 0.61, floor 0.65")
    told = [(message["title"], message["message"]) for message in webhook.received]
    assert told == [("fares: gate refused", "auc 0.61, floor 0.65")] * 2


def test_a_dead_address_does_not_keep_the_others_from_being_told(webhook: Webhook, dead_url: str) -> None:
    with pytest.raises(AlertNotSentError, match="1 of 2 alert addresses did not take the alert"):
        send_alert([dead_url, webhook.url], "fares: quarantine", "3 rows")
    assert len(webhook.received) == 1


def test_an_address_that_refuses_was_not_told(webhook: Webhook) -> None:
    webhook.status = 500
    with pytest.raises(AlertNotSentError, match=r"json:// \(number 1\)"):
        send_alert([webhook.url], "fares: rollback", "by hand")


def test_an_address_nobody_understands_was_not_told() -> None:
    with pytest.raises(AlertNotSentError, match=r"unknown:// \(number 1\), carrierpigeon:// \(number 2\)"):
        send_alert(["hush", "carrierpigeon://hush"], "fares: rollback", "by hand")


def test_the_error_names_who_was_not_told_and_no_secret(
    dead_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AlertNotSentError, match="did not take the alert") as caught:
        send_alert([dead_url], "fares: rollback", "by hand")
    assert caught.value.failed == ("json:// (number 1)",)
    assert "hush" not in str(caught.value)
    assert "hush" not in "".join(capfd.readouterr())


def test_without_addresses_nobody_is_told_and_nothing_fails() -> None:
    send_alert([], "fares: rollback", "by hand")
