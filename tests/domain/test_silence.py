"""When is it too quiet?"""

from datetime import UTC, datetime, timedelta

from millrace.domain.facts import SilenceNoticed, Subject
from millrace.domain.silence import judge_silence

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
