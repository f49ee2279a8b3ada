"""Where on a line does each champion's time lie?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from millrace.site.reigns import Reign

WHOLE = 100.0
SEEN = 2.0
"""A champion of minutes between two of months is to be seen too."""
FOR_ALL_AT_LEAST = 0.5
ROOMY, WIDE = 20.0, 9.0
"""From which share of the line on there is room for a digest: on every screen, on a wide one."""


@dataclass(frozen=True)
class Bar:
    """The time of one champion on a line that is 100 long."""

    reign: Reign
    start: float
    width: float

    @property
    def room(self) -> str:
        """For whom its digest is written into it: `all`, those with a `wide` screen, or `none`."""
        return "all" if self.width >= ROOMY else "wide" if self.width >= WIDE else "none"


@dataclass(frozen=True)
class Timeline:
    """All reigns side by side; `is_cut` when the last one is longer than it is drawn."""

    bars: tuple[Bar, ...]
    is_cut: bool


def lay_out(reigns: Sequence[Reign], now: datetime) -> Timeline:
    """Lay the reigns out in proportion to their length, but for two that would hide the others.

    A very short one is widened until it can be seen, and the one that lasts takes half of the line at most: a
    champion that has answered for a year leaves room for what led to it.
    """
    if not reigns:
        return Timeline((), is_cut=False)
    lengths, is_cut = _measure(reigns, now)
    total = sum(lengths)
    shares = [WHOLE * length / total if total else WHOLE / len(reigns) for length in lengths]
    least = min(SEEN, FOR_ALL_AT_LEAST * WHOLE / len(reigns))
    widened = [max(share, least) for share in shares]
    widths = [WHOLE * width / sum(widened) for width in widened]
    starts = accumulate(widths, initial=0.0)
    bars = tuple(Bar(*one) for one in zip(reigns, starts, widths, strict=False))
    return Timeline(bars, is_cut)


def _measure(reigns: Sequence[Reign], now: datetime) -> tuple[list[float], bool]:
    """Return the seconds to draw for each reign; a clock that was turned back makes none negative."""
    times = list(accumulate((reign.since for reign in reigns), max))
    past = [(after - before).total_seconds() for before, after in pairwise(times)]
    lasted = max(now - times[-1], timedelta()).total_seconds()
    if not any(past) or lasted <= sum(past):
        return [*past, lasted], False
    return [*past, sum(past)], True
