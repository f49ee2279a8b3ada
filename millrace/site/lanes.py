"""Above the strips of all columns: who answered in each window, and what followed from it?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from millrace.site.followed import Event, What
from millrace.site.strips import Course
from millrace.steps.monitoring.status import Look

FEWEST_SLOTS = 12
"""So many windows fit at least: one alone is no wall."""
ROOMY, WIDE = 20.0, 10.0
"""From which share of the width on there is room for a digest: on every screen, on a wide one."""


@dataclass(frozen=True)
class Reigned:
    """The windows of one champion, from `start` on, `width` wide, in percent of the strip."""

    digest: str
    start: float
    width: float

    @property
    def room(self) -> str:
        return "all" if self.width >= ROOMY else "wide" if self.width >= WIDE else "none"


@dataclass(frozen=True)
class Lane:
    """What of one kind happened in each window, in words; None where nothing did."""

    what: What
    marks: tuple[str | None, ...]


def count_slots(course: Course) -> int:
    """Return for how many windows there is room; the newest stands at the right end."""
    return max(FEWEST_SLOTS, len(course.starts))


def list_reigned(course: Course) -> tuple[Reigned, ...]:
    """Lay the champions of the windows side by side."""
    slots = count_slots(course)
    start, reigned = slots - len(course.champions), []
    for digest, windows in groupby(course.champions):
        count = len(list(windows))
        reigned.append(Reigned(digest, 100.0 * start / slots, 100.0 * count / slots))
        start += count
    return tuple(reigned)


def list_lanes(course: Course, looks: Iterable[Look], events: Sequence[Event]) -> tuple[Lane, ...]:
    """Place what followed at the window it followed from; a lane with nothing on it is left out."""
    windows = {start: number for number, start in enumerate(course.starts)}
    by_look = {look.seq: windows.get(look.monitored.start) for look in looks}
    lanes = []
    for what in (What.ASKED, What.DECIDED, What.ATTENTION):
        marks: list[str | None] = [None] * len(course.starts)
        for event in events:
            if event.what is what:
                for number in _find_windows(event, by_look, course.ends):
                    marks[number] = "; ".join(filter(None, (marks[number], event.told)))
        lanes.append(Lane(what, tuple(marks)))
    return tuple(lane for lane in lanes if any(lane.marks))


def _find_windows(event: Event, by_look: dict[int, int | None], ends: Sequence[datetime]) -> tuple[int, ...]:
    """Name the window of the newest look an event is about, or the last one before it."""
    if event.about:
        known = [number for seq in event.about if (number := by_look.get(seq)) is not None]
        return tuple(known[-1:])
    before = [number for number, end in enumerate(ends) if end <= event.at]
    return tuple(before[-1:])
