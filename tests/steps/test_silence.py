"""That nothing happens is noticed, and told once."""

from datetime import datetime, timedelta

import pytest

from millrace.domain.facts import ChampionPromoted, SilenceNoticed, Subject, WindowMonitored
from millrace.errors import ModelFileError
from millrace.steps.alerts import send_alerts
from millrace.steps.silence import notice_silence
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.webhook import Webhook

DAY = timedelta(days=1)
PERFORMANCE = "[performance]\nmin_labels = 10\nmax_excess_loss = 1.0\nconfidence = 0.95\nwindows = 1\n"


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


def watch(home: Home, **limits: str) -> None:
    """Let `fares` have a champion since NOON, and these limits on what looks at it see."""
    named = "".join(f'{name} = "{limit}"\n' for name, limit in limits.items())
    limit(home, "99d", "99d")
    home.rewrite("fares", 'decision = "99d"\n', f'decision = "99d"\n{named}')
    home.rewrite("fares", "[retrain]", f'[monitor]\nschedule = "0 * * * *"\n\n{PERFORMANCE}\n[retrain]')
    home.ledger.change_serving("fares", ChampionPromoted("d", None, 1, "a test"), NOON, "a test", 0)


def look(home: Home, at: datetime, rows: int, labels: int) -> None:
    since = at - timedelta(hours=1)
    fact = WindowMonitored("d", since, at, since, rows, labels, at, at, (), (), "f")
    home.ledger.append("fares", fact, at, "a test")


def noticed(at: datetime) -> list[tuple[Subject, datetime]]:
    return [(one.subject, one.since) for one in notice_silence("fares", "a controller", at)]


def test_requests_and_labels_that_stay_away_are_noticed_by_who_looks(fares: Home) -> None:
    watch(fares, requests="2d", labels="5d")
    look(fares, NOON + DAY, 100, 20)
    assert noticed(NOON + 9 * DAY) == []  # nobody has looked since
    look(fares, NOON + 3 * DAY, 0, 0)
    assert noticed(NOON + 9 * DAY) == []
    look(fares, NOON + 4 * DAY, 0, 0)
    assert noticed(NOON + 9 * DAY) == [(Subject.REQUESTS, NOON + DAY)]
    look(fares, NOON + 7 * DAY, 50, 0)
    assert noticed(NOON + 9 * DAY) == [(Subject.LABELS, NOON + DAY)]
    assert noticed(NOON + 10 * DAY) == []


def test_labels_of_a_new_champion_are_missed_only_once_their_delay_is_over(fares: Home) -> None:
    watch(fares, labels="2d")
    fares.rewrite("fares", 'label_delay = "1h"', 'label_delay = "5d"')
    look(fares, NOON + 6 * DAY, 100, 20)
    fares.ledger.change_serving("fares", ChampionPromoted("e", "d", 2, "a test"), NOON + 6 * DAY, "a test", 1)
    look(fares, NOON + 13 * DAY, 100, 0)
    assert noticed(NOON + 13 * DAY) == []
    look(fares, NOON + 14 * DAY, 100, 0)
    assert noticed(NOON + 14 * DAY) == [(Subject.LABELS, NOON + 11 * DAY)]


def test_a_champion_that_nobody_ever_asks_is_noticed_since_its_promotion(fares: Home) -> None:
    watch(fares, requests="2d")
    look(fares, NOON + 3 * DAY, 0, 0)
    assert noticed(NOON + 3 * DAY) == [(Subject.REQUESTS, NOON)]


def test_that_nobody_looks_is_noticed_with_the_last_look(fares: Home, webhook: Webhook) -> None:
    watch(fares, monitor="2d")
    assert noticed(NOON + 2 * DAY) == []
    assert noticed(NOON + 3 * DAY) == [(Subject.MONITORING, NOON)]
    look(fares, NOON + 4 * DAY, 0, 0)
    assert noticed(NOON + 6 * DAY) == []
    assert noticed(NOON + 7 * DAY) == [(Subject.MONITORING, NOON + 4 * DAY)]
    send_alerts("fares", "a controller", NOON + 7 * DAY)
    assert webhook.received[-1]["title"] == "fares: no monitoring for more than 2 days, 0:00:00"


def test_what_only_a_look_can_tell_needs_one(fares: Home) -> None:
    limit(fares, "7d", "7d")
    fares.rewrite("fares", 'decision = "7d"\n', 'decision = "7d"\nlabels = "7d"\n')
    with pytest.raises(ModelFileError, match=r"silence\.labels needs \[monitor\]"):
        notice_silence("fares", "a controller", NOON)


def test_labels_that_nobody_looks_at_cannot_be_missed(fares: Home) -> None:
    watch(fares, labels="7d")
    fares.rewrite("fares", PERFORMANCE, "")
    with pytest.raises(ModelFileError, match=r"silence\.labels needs \[performance\]"):
        notice_silence("fares", "a controller", NOON)
