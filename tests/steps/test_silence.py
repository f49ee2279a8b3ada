"""That nothing happens is noticed, and told once."""

from datetime import timedelta

from millrace.domain.facts import SilenceNoticed, Subject
from millrace.steps.alerts import send_alerts
from millrace.steps.silence import notice_silence
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.webhook import Webhook

DAY = timedelta(days=1)


def limit(home: Home, data: str, decision: str) -> None:
    home.rewrite("fares", "[retrain]", f'[silence]\ndata = "{data}"\ndecision = "{decision}"\n\n[retrain]')


def test_no_data_for_too_long_is_told_once_with_the_last_time(fares: Home, webhook: Webhook) -> None:
    limit(fares, "7d", "30d")
    take_in("fares", NOON)
    for day in (1, 7, 8, 9):
        notice_silence("fares", "a controller", NOON + day * DAY)
        send_alerts("fares", "a controller", NOON + day * DAY)
    assert fares.facts("fares", SilenceNoticed) == [SilenceNoticed(Subject.DATA, NOON, 604_800.0)]
    [told] = webhook.received
    assert told["title"] == "fares: no data for more than 7 days, 0:00:00"
    assert "The last was at 2013-04-01 12:00 UTC" in told["message"]


def test_no_decision_for_too_long_is_noticed_also_before_the_first(fares: Home) -> None:
    limit(fares, "30d", "2d")
    take_in("fares", NOON)
    assert notice_silence("fares", "a controller", NOON + 2 * DAY) == []
    [noticed] = notice_silence("fares", "a controller", NOON + 3 * DAY)
    assert noticed.subject is Subject.DECISION
    retrain("fares", NOON + 3 * DAY)
    assert notice_silence("fares", "a controller", NOON + 5 * DAY) == []


def test_two_controllers_record_a_silence_once(fares: Home) -> None:
    limit(fares, "7d", "30d")
    take_in("fares", NOON)
    for controller in ("one", "another"):
        notice_silence("fares", controller, NOON + 8 * DAY)
    assert len(fares.facts("fares", SilenceNoticed)) == 1


def test_without_a_policy_or_without_anything_heard_silence_is_nothing(fares: Home) -> None:
    assert notice_silence("fares", "a controller", NOON) == []
    limit(fares, "7d", "7d")
    assert notice_silence("fares", "a controller", NOON + 99 * DAY) == []
