"""Where do the numbers of a rule stand on a line, beside what is allowed?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from millrace.domain.gate.finding import Bar

_ROOM = 0.06
"""How much of the line stays empty at either end."""
_DIGITS = 4
_FEW = 3
"""Fewer numbers with nothing beside them tell more as numbers: a line would blow up any difference."""


class Side(StrEnum):
    """On which side of its limit something surely is."""

    INSIDE = "inside"
    ACROSS = "across"
    """The interval holds both what is allowed and what is not."""
    AT = "at"
    OUTSIDE = "outside"
    UNLIMITED = "unlimited"


@dataclass(frozen=True)
class PlacedBar:
    """A bar and the places of its numbers, in percent of the width of a line; None where there is none.

    Bars with the same limit are of the same kind and share one scale.
    """

    bar: Bar
    value: float | None
    lower: float | None
    upper: float | None
    limit: float | None

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to see: one number alone has no place."""
        return self.value is not None

    @property
    def side(self) -> Side:
        """Where the whole interval is, or the number where there is none."""
        bar = self.bar
        if bar.limit is None or bar.value is None:
            return Side.UNLIMITED
        low, high = ((bar.value if bound is None else bound) - bar.limit for bound in (bar.lower, bar.upper))
        inner, outer = (low, high) if bar.is_floor else (-high, -low)
        if inner > 0:
            return Side.INSIDE
        if outer < 0:
            return Side.OUTSIDE
        return Side.ACROSS if inner < 0 < outer else Side.AT


def place_bars(bars: Iterable[Bar]) -> tuple[PlacedBar, ...]:
    """Place the numbers of each bar among those of its kind.

    >>> [placed] = place_bars([Bar("loss", 0.2, 0.1, 0.3, limit=0.5)])
    >>> [placed.lower, placed.value, placed.limit], str(placed.side)
    ([6.0, 28.0, 94.0], 'inside')
    """
    shown = tuple(bars)
    spans = {
        kind: _span([bar for bar in shown if _kind(bar) == kind]) for kind in dict.fromkeys(map(_kind, shown))
    }
    return tuple(_place(bar, *spans[_kind(bar)]) for bar in shown)


def _is_plain(bar: Bar) -> bool:
    return bar.limit is bar.lower is bar.upper is None


def spell_number(number: float | None) -> str:
    """Write a number of a bar.

    >>> spell_number(0.123456), spell_number(28353.0), spell_number(None)
    ('0.1235', '28,353', 'undefined')
    """
    if number is None:
        return "undefined"
    whole = float(number).is_integer() and abs(number) < 10**15
    return f"{int(number):,}" if whole else f"{number:.{_DIGITS}g}"


def spell_interval(bar: Bar) -> str:
    """Write what the number surely is between; nothing where that is not known."""
    match bar.lower, bar.upper:
        case None, None:
            return ""
        case None, upper:
            return f"at most {spell_number(upper)}"
        case lower, None:
            return f"at least {spell_number(lower)}"
        case lower, upper:
            return f"{spell_number(lower)} to {spell_number(upper)}"


def spell_limit(bar: Bar) -> str:
    """Write what is allowed; nothing where there is no limit."""
    if bar.limit is None:
        return ""
    return f"at {'least' if bar.is_floor else 'most'} {spell_number(bar.limit)}"


def _kind(bar: Bar) -> tuple[float | None, bool]:
    return bar.limit, bar.is_floor


def _numbers(bar: Bar) -> tuple[float | None, ...]:
    return bar.value, bar.lower, bar.upper, bar.limit


def _span(bars: Sequence[Bar]) -> tuple[float, float]:
    if len(bars) < _FEW and all(map(_is_plain, bars)):
        return 0.0, 0.0
    numbers = [one for bar in bars for one in _numbers(bar) if one is not None]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    room = (high - low) * _ROOM / (1 - 2 * _ROOM)
    return low - room, high + room


def _place(bar: Bar, low: float, high: float) -> PlacedBar:
    def place(number: float | None) -> float | None:
        nowhere = number is None or not high > low
        return None if nowhere or number is None else round(100 * (number - low) / (high - low), 2)

    return PlacedBar(bar, *map(place, _numbers(bar)))
