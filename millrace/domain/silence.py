"""Has nothing happened for too long?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.domain.facts import SilenceNoticed, Subject, WindowMonitored


@dataclass(frozen=True)
class Look:
    """When somebody looked at a model, and at what."""

    at: datetime
    monitored: WindowMonitored


def judge_silence(
    subject: Subject, last: datetime, limit: timedelta, noticed: datetime | None, now: datetime
) -> SilenceNoticed | None:
    """Return what to record when `subject` was last there longer than `limit` ago; once for each silence.

    `noticed` is when a silence of it was noticed last.
    """
    if now - last <= limit or (noticed is not None and noticed >= last):
        return None
    return SilenceNoticed(subject, last, limit.total_seconds())


def last_rows_seen(looks: Sequence[Look]) -> datetime | None:
    """Return when somebody last found requests that had not been there before, None where nobody ever did.

    A window of too few rows goes on, so one that has no more than at the look before tells of nothing new.
    """
    return _last_more(looks, lambda one: one.start, lambda one: one.rows)


def last_labels_seen(looks: Sequence[Look]) -> datetime | None:
    """Return when somebody last found labels that had not been there before, as `last_rows_seen` does."""
    return _last_more(looks, lambda one: one.labelled_start, lambda one: one.labels)


def _last_more(
    looks: Sequence[Look],
    start_of: Callable[[WindowMonitored], datetime],
    count_of: Callable[[WindowMonitored], int],
) -> datetime | None:
    for position in reversed(range(len(looks))):
        one = looks[position].monitored
        before = looks[position - 1].monitored if position else None
        goes_on = before is not None and start_of(before) == start_of(one)
        if count_of(one) > (count_of(before) if before is not None and goes_on else 0):
            return looks[position].at
    return None
