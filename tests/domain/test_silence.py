"""When is it too quiet?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from millrace.domain.facts import SilenceNoticed, Subject, WindowMonitored
from millrace.domain.silence import Look, judge_silence, last_labels_seen, last_rows_seen

LAST = datetime(2013, 6, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


def test_within_the_limit_nothing_is_said() -> None:
    assert judge_silence(Subject.DATA, LAST, WEEK, None, LAST + WEEK) is None


def test_beyond_the_limit_it_is_noticed_with_its_numbers() -> None:
    noticed = judge_silence(Subject.DATA, LAST, WEEK, None, LAST + WEEK + SECOND)
    assert noticed == SilenceNoticed(Subject.DATA, LAST, 604_800.0)


def test_the_same_silence_is_noticed_once() -> None:
    assert judge_silence(Subject.DATA, LAST, WEEK, LAST + WEEK + SECOND, LAST + 3 * WEEK) is None


def test_the_next_silence_is_noticed_again() -> None:
    before_the_last = LAST - SECOND
    assert judge_silence(Subject.DECISION, LAST, WEEK, before_the_last, LAST + 2 * WEEK) is not None


def look(hours: int, start: int, rows: int, labels: int = 0, labelled_start: int | None = None) -> Look:
    """Somebody looked `hours` after LAST, at a window since `start`."""
    at, since = LAST + timedelta(hours=hours), LAST + timedelta(hours=start)
    known = WindowMonitored("d", since, at, since, rows, labels, at, at, (), (), "f")
    if labelled_start is not None:
        known = replace(known, labelled_start=LAST + timedelta(hours=labelled_start))
    return Look(at, known)


def test_rows_were_seen_last_when_a_look_found_any() -> None:
    assert last_rows_seen([]) is None
    assert last_rows_seen([look(2, 1, 0), look(1, 0, 0)]) is None
    assert last_rows_seen([look(3, 2, 0), look(2, 1, 3), look(1, 0, 7)]) == LAST + timedelta(hours=2)
    assert last_rows_seen([look(2, 1, 0), look(1, 0, 7)]) == LAST + timedelta(hours=1)


def test_a_window_that_goes_on_with_the_same_rows_has_seen_nothing_new() -> None:
    looks = [look(4, 0, 5), look(3, 0, 5), look(2, 0, 5), look(1, 0, 3)]
    assert last_rows_seen(looks) == LAST + timedelta(hours=2)


def test_labels_are_seen_by_their_own_window() -> None:
    looks = [look(3, 2, 9, 4, 0), look(2, 1, 9, 4, 0), look(1, 0, 9, 4, 0)]
    assert last_labels_seen(looks) == LAST + timedelta(hours=1)
    assert last_labels_seen([look(4, 3, 9, 1, 3), *looks]) == LAST + timedelta(hours=4)
