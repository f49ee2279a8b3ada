"""A batch is named by its watermarks, and cut so that equal ones stay together."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.watermark import (
    MAX_RUN,
    LagWithoutTimeError,
    UnusableWatermarkError,
    Watermark,
    WatermarkRange,
    cut_ranges,
    find_highest,
    find_last_run,
    is_ahead,
    is_settled,
    parse_range,
    read_watermark,
)

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
watermarks = st.one_of(st.integers(), st.dates(), texts, st.datetimes(), st.datetimes(timezones=st.just(UTC)))


@given(column=texts, after=st.none() | watermarks, upto=watermarks)
def test_a_name_says_which_rows_a_batch_has(column: str, after: Watermark | None, upto: Watermark) -> None:
    wanted = WatermarkRange(column, after, upto)
    assert parse_range(wanted.batch, column) == wanted
    assert "/" not in wanted.batch
    assert parse_range(wanted.batch, f"{column}x") is None


@pytest.mark.parametrize("name", ["january.parquet", "id=x..y.parquet", "id=..parquet", "id=1..2.csv", "id="])
def test_another_file_is_no_batch_of_the_database(name: str) -> None:
    assert parse_range(name, "id") is None


@given(
    counts=st.lists(st.integers(1, 50), max_size=40),
    min_rows=st.integers(0, 30),
    max_rows=st.integers(1, 60),
)
def test_ranges_follow_on_each_other_and_lose_no_row(counts: list[int], min_rows: int, max_rows: int) -> None:
    marks = [(10 * at, count) for at, count in enumerate(counts, 1)]
    found = list(cut_ranges("id", 5, marks, min_rows, max_rows))
    assert sum(rows for _, rows in found) == sum(counts)
    assert [one.after for one, _ in found] == [5, *(one.upto for one, _ in found)][: len(found)]
    assert all(rows >= min_rows for _, rows in found[:-1])
    for one, rows in found:
        inside = [count for mark, count in marks if (one.after or 0) < mark <= one.upto]  # type: ignore[operator]
        assert sum(inside) == rows
        assert rows <= max_rows or len(inside) == 1 or rows - inside[-1] < min_rows


def test_the_highest_is_of_the_newest_kind_whatever_came_in_between() -> None:
    names = ["id=..9.parquet", "january.csv", "id=9..20.parquet", "id=..9.parquet", "at=1..99.parquet"]
    assert find_highest(names, "id") == 20
    assert find_highest([*names, "id='a'..'b'.parquet"], "id") == "b"
    assert find_highest([], "id") is None


@pytest.mark.parametrize("value", [1.5, True, b"x", "x" * 65, None])
def test_what_has_no_order_of_its_own_is_no_watermark(value: object) -> None:
    with pytest.raises(UnusableWatermarkError, match="watermark 'id': found"):
        read_watermark("id", value)


def test_a_day_is_settled_when_it_is_over_and_a_time_after_the_lag() -> None:
    hour = timedelta(hours=1)
    assert [is_settled("d", date(2013, 3, day), NOON, None) for day in (30, 31)] == [True, True]
    assert not is_settled("d", date(2013, 4, 1), NOON, None)
    assert not is_settled("d", "2013-04-01", NOON, None)
    assert [is_settled("t", NOON - hour, NOON, hour), is_settled("t", NOON, NOON, hour)] == [True, False]
    assert is_settled("t", "2013-04-01 11:00:00", NOON, hour)
    assert is_settled("n", 7, NOON, None)
    assert is_settled("n", "batch 7", NOON, None)
    with pytest.raises(LagWithoutTimeError, match="'n' holds 7"):
        is_settled("n", 7, NOON, hour)


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        (NOON, timedelta(seconds=1)),
        ("2013-04-01 12:00:00", timedelta(seconds=1)),
        ("2013-04-01 12:00", timedelta(minutes=1)),
        ("2013-04-01_12:00:00", timedelta(seconds=1)),
        ("20130401T120000", timedelta(seconds=1)),
        ("2013-04-01T12:00:00.000Z", timedelta(milliseconds=1)),
        (NOON.replace(microsecond=5000), timedelta(milliseconds=1)),
        (NOON.replace(microsecond=5), timedelta(microseconds=1)),
    ],
)
def test_a_time_is_settled_when_the_clock_is_past_it_by_its_precision(
    value: Watermark, precision: timedelta
) -> None:
    at = value if isinstance(value, datetime) else NOON
    assert not is_settled("t", value, at, None)
    assert not is_settled("t", value, at + precision - timedelta(microseconds=1), None)
    assert is_settled("t", value, at + precision, None)


@pytest.mark.parametrize(
    ("text", "first", "over"),
    [
        ("2013-04-01", "2013-04-01", "2013-04-02"),
        ("20130401", "2013-04-01", "2013-04-02"),
        ("2013-W14", "2013-04-01", "2013-04-08"),
        ("2013W14", "2013-04-01", "2013-04-08"),
        ("2013-W14-2", "2013-04-02", "2013-04-03"),
        ("2013W142", "2013-04-02", "2013-04-03"),
        ("2013-04", "2013-04-01", "2013-05-01"),
        ("2012-02", "2012-02-01", "2012-03-01"),
    ],
)
def test_a_day_week_or_month_is_settled_when_it_is_over(text: str, first: str, over: str) -> None:
    begins, ends = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, over))
    blink, hour = timedelta(microseconds=1), timedelta(hours=1)
    assert is_ahead(text, begins - blink)
    assert not is_ahead(text, begins)
    assert not is_settled("d", text, ends - blink, None)
    assert is_settled("d", text, ends, None)
    assert not is_settled("d", text, ends, hour)
    assert is_settled("d", text, ends + hour, hour)


@pytest.mark.parametrize("text", ["2013-99", "20139999", "2013-W99", "0000-01", "2013-04-31"])
def test_what_only_looks_like_a_day_is_a_text(text: str) -> None:
    assert is_settled("d", text, NOON, None)
    with pytest.raises(LagWithoutTimeError):
        is_settled("d", text, NOON, timedelta(hours=1))


@pytest.mark.parametrize("never", [date.max, "9999-12-31", "9999-12", datetime.max.replace(tzinfo=UTC)])
def test_a_day_that_stands_for_never_waits(never: Watermark) -> None:
    assert is_ahead(never, NOON)
    assert not is_settled("d", never, NOON, None)


def test_the_last_batches_that_follow_on_each_other_are_one_run() -> None:
    batches = {f"id={at}..{at + 10}.parquet": 5 for at in range(0, 1000, 10)}
    batches["january.parquet"] = 7
    assert find_last_run(batches, "id", 1000) == (
        WatermarkRange("id", 1000 - 10 * MAX_RUN, 1000),
        5 * MAX_RUN,
    )
    assert find_last_run(batches, "id", 20) == (WatermarkRange("id", 0, 20), 10)
    assert find_last_run({"id=..9.parquet": 3, "id=9..12.parquet": 2}, "id", 12) == (
        WatermarkRange("id", None, 12),
        5,
    )
    del batches["id=970..980.parquet"]  # one in quarantine
    assert find_last_run(batches, "id", 1000) == (WatermarkRange("id", 980, 1000), 10)
    assert find_last_run(batches, "id", 980) is None


def test_a_watermark_in_the_future_is_never_settled_and_is_told_apart() -> None:
    later = NOON + timedelta(days=1)
    values: list[Watermark] = [later, later.isoformat(), later.date(), later.date().isoformat()]
    assert not any(is_settled("t", value, NOON, None) for value in values)
    assert all(is_ahead(value, NOON) for value in values)
    assert not any(is_ahead(value, NOON) for value in (NOON, NOON.date(), 7, "batch 7"))
