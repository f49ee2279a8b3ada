"""How far was a database read, and where does the next batch of its rows end?"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import quote, unquote

from millrace.errors import MillraceError

Watermark = int | str | date | datetime
"""A value of a watermark column. A time without a zone is UTC; one with a zone has been turned into UTC."""

MAX_TEXT = 64
"""Characters of a text that is a watermark: it stands in names of files."""
MAX_RUN = 24
"""Batches that are looked at for rows that came late: those of a day, where each hour brings one."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_WEEK = re.compile(r"\d{4}-?W\d{2}(?P<day>-?\d)?")
_MONTH = re.compile(r"\d{4}-\d{2}")
_PLAIN_DAY = re.compile(r"\d{8}")
_CLOCK = re.compile(r"[T ]\d{2}:\d{2}(?P<seconds>:\d{2}(?P<fraction>[.,]\d+)?)?")
_RANGE = re.compile(r"(?P<after>'[^']*'|[^']*)\.\.(?P<upto>'[^']*'|[^']+)\.parquet")


class UnusableWatermarkError(MillraceError):
    """A watermark column holds what cannot be one."""

    def __init__(self, column: str, found: str) -> None:
        self.column, self.found = column, found
        super().__init__(
            f"watermark {column!r}: found {found}, needed whole numbers, times, dates or texts of at most "
            f"{MAX_TEXT} characters. Name another column as [data.sql] watermark"
        )


class LagWithoutTimeError(MillraceError):
    """`lag` asks how old a row is, and the watermark does not say."""

    def __init__(self, column: str, found: object) -> None:
        self.column, self.found = column, found
        super().__init__(
            f"[data.sql] lag needs a watermark of times, {column!r} holds {found!r}. "
            "Take lag out, or name a column of times as watermark"
        )


@dataclass(frozen=True)
class WatermarkRange:
    """The rows of one batch: above `after` (None: from the start) up to and with `upto`.

    >>> WatermarkRange("id", 17, 2050).batch
    'id=17..2050.parquet'
    >>> parse_range("id=17..2050.parquet", "id")
    WatermarkRange(column='id', after=17, upto=2050)
    """

    column: str
    after: Watermark | None
    upto: Watermark

    @property
    def batch(self) -> str:
        """The name of the batch, from which the range can be read again."""
        after = "" if self.after is None else _spell(self.after)
        return f"{_prefix(self.column)}{after}..{_spell(self.upto)}.parquet"


def parse_range(batch: str, column: str) -> WatermarkRange | None:
    """Return the range that a batch is named by, None if it is no batch of this watermark."""
    prefix = _prefix(column)
    found = _RANGE.fullmatch(batch.removeprefix(prefix)) if batch.startswith(prefix) else None
    if found is None:
        return None
    try:
        after = _parse(found["after"]) if found["after"] else None
        return WatermarkRange(column, after, _parse(found["upto"]))
    except ValueError:
        return None


def find_highest(batches: Iterable[str], column: str) -> Watermark | None:
    """Return how far the batches of these names, the newest last, have come; None before the first.

    Where the column has changed its kind, as from numbers to times, those of the newest kind count.
    """
    ranges = [found for name in batches if (found := parse_range(name, column)) is not None]
    if not ranges:
        return None
    kind = kind_of(ranges[-1].upto)
    return max(one.upto for one in ranges if kind_of(one.upto) == kind)


def find_last_run(
    batches: Mapping[str, int], column: str, upto: Watermark
) -> tuple[WatermarkRange, int] | None:
    """Join the last batches that follow on each other up to `upto`: their range, and how many rows it gave.

    Parameters
    ----------
    batches
        The rows of each by its name; one that is missing ends the run.

    Returns
    -------
    None where there is none.
    """
    by_end = {one.upto: (one, rows) for name, rows in batches.items() if (one := parse_range(name, column))}
    if upto not in by_end:
        return None
    after, rows = by_end[upto][0].after, by_end[upto][1]
    for _ in range(MAX_RUN - 1):
        if after is None or after not in by_end:
            break
        before, more = by_end[after]
        after, rows = before.after, rows + more
    return WatermarkRange(column, after, upto), rows


def cut_ranges(
    column: str,
    after: Watermark | None,
    counts: Iterable[tuple[Watermark, int]],
    min_rows: int,
    max_rows: int,
) -> Iterator[tuple[WatermarkRange, int]]:
    """Cut what is new into batches, each with its number of rows; equal watermarks are never parted.

    Parameters
    ----------
    counts
        Each watermark above `after` and how many rows have it, in rising order.
    min_rows
        What a batch needs: a last one with fewer is given too, for the caller to leave until it has grown.
    max_rows
        What a batch may have, unless more rows than that share a watermark.
    """
    rows, last = 0, after
    for value, count in counts:
        if rows >= max(1, min_rows) and rows + count > max_rows and last is not None:
            yield WatermarkRange(column, after, last), rows
            after, rows = last, 0
        rows, last = rows + count, value
    if rows and last is not None:
        yield WatermarkRange(column, after, last), rows


def read_watermark(column: str, value: object) -> Watermark:
    """Return a value of a database as a watermark.

    Raises
    ------
    UnusableWatermarkError
        If it is of another kind: a float has no exact next one.
    """
    match value:
        case bool() | float():
            pass
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case int() | datetime() | date():
            return value
        case Decimal() if value == value.to_integral_value():
            return int(value)
        case str() if len(value) <= MAX_TEXT:
            return value
        case _:
            pass
    raise UnusableWatermarkError(column, f"{str(value)[:MAX_TEXT]!r} ({type(value).__name__})")


def kind_of(value: Watermark) -> str:
    """Name the kind of a watermark: only those of one kind can be compared."""
    match value:
        case datetime():
            return "times with a zone" if value.tzinfo else "times"
        case date():
            return "dates"
        case int():
            return "whole numbers"
        case str():
            return "texts"


def is_settled(column: str, value: Watermark, now: datetime, lag: timedelta | None) -> bool:
    """Say whether no more rows with this watermark will come: it is older than `lag`, and its day is over.

    So is its week or month, where a text names one.

    A time is over when the clock is past it by its own precision: within the same second another row may
    get it. One in the future is never settled, so that no such row ends what is above the highest one.

    Raises
    ------
    LagWithoutTimeError
        If there is a lag and the watermark is no time.
    """
    period = _period_of(value)
    if period is not None:
        return _midnight(period[1]) <= now - (lag or timedelta(0))
    moment = _moment_of(value)
    if moment is None and lag is None:
        return True
    if moment is None:
        raise LagWithoutTimeError(column, value)
    lag = lag or timedelta(0)
    return moment <= now - max(lag, _precision_of(value))


def is_ahead(value: Watermark, now: datetime) -> bool:
    """Say whether a watermark lies in the future, as one of a wrong clock or a local time does."""
    period, moment = _period_of(value), _moment_of(value)
    if period is not None:
        return _midnight(period[0]) > now
    return moment is not None and moment > now


def _period_of(value: Watermark) -> tuple[date, date] | None:
    """Return the first day of the day, week or month that it names, and the first one after it."""
    if isinstance(value, str):
        return _written_period(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value, _days_later(value, 1)
    return None


def _written_period(text: str) -> tuple[date, date] | None:
    try:
        if _ISO_DAY.fullmatch(text) or _PLAIN_DAY.fullmatch(text):
            first = date.fromisoformat(text)
            return first, _days_later(first, 1)
        if week := _ISO_WEEK.fullmatch(text):
            first = date.fromisoformat(text)
            return first, _days_later(first, 1 if week["day"] else 7)
        if _MONTH.fullmatch(text):
            first = date.fromisoformat(f"{text}-01")
            return first, _days_later(first, monthrange(first.year, first.month)[1])
    except ValueError:
        return None
    return None


def _days_later(day: date, days: int) -> date:
    """Return a later day; of the last ones there are, which stand for "never", the very last."""
    return day + timedelta(days=min(days, (date.max - day).days))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _moment_of(value: Watermark) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _precision_of(value: Watermark) -> timedelta:
    """Return how long other rows may get the same time, as far as one value tells: a second at most.

    A text says it by its digits, down to the minute.
    """
    if isinstance(value, str) and (found := _CLOCK.search(value)) is not None:
        digits = len(found["fraction"]) - 1 if found["fraction"] else 0
        return timedelta(seconds=10.0**-digits) if found["seconds"] else timedelta(minutes=1)
    if not isinstance(value, datetime) or value.microsecond == 0:
        return timedelta(seconds=1)
    return timedelta(milliseconds=1) if value.microsecond % 1000 == 0 else timedelta(microseconds=1)


def _prefix(column: str) -> str:
    return f"{quote(column, safe=' ')}="


def _spell(value: Watermark) -> str:
    match value:
        case str():
            return f"'{quote(value, safe=' :+,@')}'"
        case datetime() if value.tzinfo:
            return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
        case datetime() | date():
            return value.isoformat()
        case int():
            return str(value)


def _parse(text: str) -> Watermark:
    if text.startswith("'"):
        return unquote(text[1:-1])
    if _ISO_DAY.fullmatch(text):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text) if "T" in text else int(text)
