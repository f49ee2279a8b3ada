"""Is a look asked for once enough rows were answered, and are they counted no more often than that takes?"""

from datetime import datetime, timedelta

import pytest

from millrace.adapters.models import change_section
from millrace.adapters.prediction_log.compaction import compact
from millrace.domain.facts import MonitoringDue
from millrace.domain.prediction import Answered, AnsweredRow
from millrace.settings import load_settings
from millrace.steps.monitoring.due import notice_due
from millrace.steps.monitoring.watch import DueWatch
from tests.conftest import NOON, Home
from tests.detected import record_nothing
from tests.logged import write_log

MODEL = "fares"
HOUR = timedelta(hours=1)
EVERY_ROWS = 1_000


@pytest.fixture
def watched(published: Home) -> Home:
    """`fares` has a champion, and a look is due once so many rows were answered."""
    section = {"schedule": "0 0 1 1 *", "every_rows": EVERY_ROWS}
    change_section(published.models, MODEL, "monitor", section)
    for other in ("progression", "scenery"):  # each asks for a look after fewer rows
        change_section(published.models, other, "monitor", None)
    return published


def answer(home: Home, rows: int, name: str, at: datetime = NOON + HOUR, width: int = 1) -> None:
    """Log answered rows, as a service of that name."""
    values = (2.5, "d" * width)
    logged = [AnsweredRow(f"{name}-{row:04}", 0, at.timestamp(), values, 12.5, 90) for row in range(rows)]
    champion = str(home.serving(MODEL).champion)
    record = Answered(MODEL, champion, 1, "answer", ("distance_km", "tariff"), logged)
    write_log(load_settings().predictions, record, instance=name)


def answer_a_quarter(home: Home, name: str) -> None:
    """Log few wide rows: four times as many bytes could be as many rows as make a look due."""
    answer(home, 30, name, width=215)


def counts(watch: DueWatch) -> bool:
    """Let a watch look, and say whether it had rows counted; the process that does so has ended then."""
    before = watch.counting
    watch.look()
    if watch.counting is None or watch.counting is before:
        return False
    assert watch.counting.wait(120) == 0
    return True


def test_so_many_rows_make_a_look_due_once(watched: Home) -> None:
    now = NOON + 2 * HOUR
    answer(watched, EVERY_ROWS - 1, "one")
    assert notice_due(MODEL, "a controller", now) is None
    answer(watched, 1, "two")
    found = [notice_due(MODEL, f"controller {number}", now) for number in range(3)]
    assert found == [MonitoringDue(NOON, EVERY_ROWS), None, None]
    assert watched.facts(MODEL, MonitoringDue) == [MonitoringDue(NOON, EVERY_ROWS)]


def test_rows_are_counted_from_the_last_look_on(watched: Home) -> None:
    answer(watched, EVERY_ROWS, "one")
    # while a look was at it, which ends before
    notice_due(MODEL, "a controller", NOON + 2 * HOUR + timedelta(seconds=1))
    record_nothing(MODEL, NOON + 2 * HOUR)
    assert notice_due(MODEL, "a controller", NOON + 4 * HOUR) is None
    answer(watched, EVERY_ROWS, "two", NOON + 3 * HOUR)
    due = notice_due(MODEL, "a controller", NOON + 4 * HOUR)
    assert due == MonitoringDue(NOON + 2 * HOUR, EVERY_ROWS)


def test_without_a_number_of_rows_or_a_champion_no_look_is_due_early(watched: Home) -> None:
    answer(watched, EVERY_ROWS, "one")
    change_section(watched.models, MODEL, "monitor", {"schedule": "0 0 1 1 *"})
    assert notice_due(MODEL, "a controller", NOON + 2 * HOUR) is None
    change_section(watched.models, "flights", "monitor", {"schedule": "0 0 1 1 *", "every_rows": 1})
    assert notice_due("flights", "a controller", NOON + 2 * HOUR) is None


def test_rows_are_counted_while_requests_come_until_a_look_is_due(watched: Home) -> None:
    watch = DueWatch()
    answer(watched, 50, "one")
    assert not counts(watch)
    answer(watched, 2 * EVERY_ROWS, "two")
    assert counts(watch)
    [due] = watched.facts(MODEL, MonitoringDue)
    assert isinstance(due, MonitoringDue)
    assert due.rows == 2 * EVERY_ROWS + 50
    # it is asked for: the controller has the look taken
    answer(watched, 4 * EVERY_ROWS, "three")
    assert not counts(watch)
    record_nothing(MODEL, NOON + 2 * HOUR)
    assert not counts(watch)
    answer(watched, EVERY_ROWS, "four", NOON + 3 * HOUR)
    assert counts(watch)
    assert len(watched.facts(MODEL, MonitoringDue)) == 2


def test_the_longer_no_look_is_due_the_more_rarely_rows_are_counted(watched: Home) -> None:
    watch, counted_at = DueWatch(), []
    for number in range(1, 11):
        answer_a_quarter(watched, f"service{number:02}")
        if counts(watch):
            counted_at.append(number)
    assert counted_at == [4, 6, 9]
    assert watched.facts(MODEL, MonitoringDue) == []


def test_what_is_compacted_meanwhile_is_not_forgotten(watched: Home) -> None:
    watch = DueWatch()
    for number in range(1, 4):
        answer_a_quarter(watched, f"service{number}")
        assert not counts(watch)
    compact(load_settings().predictions)
    assert not counts(watch)
    answer_a_quarter(watched, "service4")
    assert counts(watch)
