"""When was a schedule last due?"""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.schedule import check_cron, last_due

SIX = datetime(2013, 4, 1, 6, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CRONS = st.sampled_from(["* * * * *", "*/5 * * * *", "0 6 * * *", "30 2 * * 1", "0 0 1 1 *", "0 0 29 2 *"])


@pytest.mark.parametrize("after", [timedelta(0), timedelta(microseconds=1), timedelta(hours=23, minutes=59)])
def test_it_is_due_from_its_minute_until_the_next_one(after: timedelta) -> None:
    assert last_due("0 6 * * *", SIX + after) == SIX
    assert last_due("0 6 * * *", SIX - timedelta(microseconds=1)) == SIX - timedelta(days=1)


def test_a_schedule_is_in_utc_whatever_zone_the_clock_is_in() -> None:
    elsewhere = (SIX + timedelta(minutes=1)).astimezone(timezone(timedelta(hours=-5)))
    assert last_due("0 6 * * *", elsewhere) == SIX


@given(CRONS, MOMENTS)
def test_it_is_never_in_the_future_and_due_at_its_own_time(cron: str, now: datetime) -> None:
    due = last_due(cron, now)
    assert due <= now
    assert last_due(cron, due) == due


@pytest.mark.parametrize("bad", ["", "soon", "61 * * * *", "0 6 * *", "* * * * * *", "0 0 30 2 *"])
def test_what_is_no_schedule_is_refused_with_an_example(bad: str) -> None:
    with pytest.raises(ValueError, match=r"write five fields, such as '0 6 \* \* \*' \(UTC\)"):
        check_cron(bad)
