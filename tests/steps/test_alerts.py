"""People are told once of what they must know, and never at the cost of the work itself."""

from datetime import timedelta
from pathlib import Path

import pytest

from millrace.domain.facts import AlertSent
from millrace.steps.alerts import list_due_alerts, send_alerts
from millrace.steps.reconcile import reconcile_model
from millrace.steps.serve import roll_back
from millrace.steps.status import list_status
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.webhook import Webhook


def bad_file(home: Home) -> Path:
    path = home.inbox("fares", "april.csv")
    path.write_bytes(b"")
    return path


def two_champions(home: Home) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    home.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON + timedelta(days=1))


def test_a_quarantine_is_told_once(fares: Home, webhook: Webhook) -> None:
    take_in("fares", NOON, [bad_file(fares)])
    assert [send_alerts("fares", "a run", NOON) for _ in range(3)] == [0, 0, 0]
    [told] = webhook.received
    assert told["title"] == "fares: batch april.csv is in quarantine"
    assert "it holds 0 bytes" in told["message"]
    assert "`millrace quarantine show fares " in told["message"]


def test_a_bad_batch_that_is_offered_at_every_ingest_is_told_once(fares: Home, webhook: Webhook) -> None:
    for _ in range(3):
        take_in("fares", NOON, [bad_file(fares)])
        send_alerts("fares", "a run", NOON)
    assert webhook.titles == ["fares: batch april.csv is in quarantine"]


def test_a_refused_challenger_and_a_rollback_are_told_and_a_promotion_is_not(
    fares: Home, webhook: Webhook
) -> None:
    two_champions(fares)
    send_alerts("fares", "a run", NOON)
    assert webhook.titles == []
    fares.learn_from("fares", "noise")
    refused = retrain("fares", NOON + timedelta(days=2)).judged
    rolled_back = roll_back("fares", "answers 1.0 for every ride", NOON)
    send_alerts("fares", "a run", NOON)
    assert refused is not None
    assert webhook.titles == [
        f"fares: challenger {refused.digest[:12]} was refused",
        f"fares: rolled back to {rolled_back.digest[:12]}",
    ]
    assert refused.reason in webhook.received[0]["message"]
    assert "answers 1.0 for every ride" in webhook.received[1]["message"]


def test_what_could_not_be_sent_is_due_until_it_was(fares: Home, webhook: Webhook) -> None:
    webhook.status = 503
    take_in("fares", NOON, [bad_file(fares)])
    assert send_alerts("fares", "a run", NOON) == 1
    assert len(list_due_alerts("fares")) == 1
    assert list_status("fares")[0].unsent_alerts == 1
    webhook.status = 200
    assert reconcile_model("fares", "by hand", NOON).unsent == 0
    assert reconcile_model("fares", "by hand", NOON).unsent == 0
    assert len(fares.facts("fares", AlertSent)) == 1
    assert len(webhook.received) == 2  # one was refused


def test_a_server_that_is_down_stops_no_work(
    fares: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.shutdown()
    webhook.server_close()
    take_in("fares", NOON, [bad_file(fares)])
    assert send_alerts("fares", "a run", NOON) == 1
    assert take_in("fares", NOON)
    assert retrain("fares", NOON).trained is not None
    assert send_alerts("fares", "a run", NOON) == 1


def test_without_addresses_nothing_is_sent_and_nothing_recorded(fares: Home) -> None:
    take_in("fares", NOON, [bad_file(fares)])
    assert send_alerts("fares", "a run", NOON) == 0
    assert fares.facts("fares", AlertSent) == []
    assert list_status("fares")[0].unsent_alerts == 0
