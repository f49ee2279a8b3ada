"""Has nothing happened for too long?"""

from collections.abc import Callable, Iterable
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


def last_rows_seen(looks: Iterable[Look]) -> datetime | None:
    """Return when somebody last found requests that had not been there before, None where nobody ever did.

    `looks` are the newest first, and read only as far as it takes.
    A window of too few rows goes on, so one that has no more than at the look before tells of nothing new.
    """
    return _last_more(looks, lambda one: one.start, lambda one: one.rows)


def last_labels_seen(looks: Iterable[Look]) -> datetime | None:
    """Return when somebody last found labels that had not been there before, as `last_rows_seen` does."""
    return _last_more(looks, lambda one: one.labelled_start, lambda one: one.labels)


def _last_more(
    looks: Iterable[Look],
    start_of: Callable[[WindowMonitored], datetime],
    count_of: Callable[[WindowMonitored], int],
) -> datetime | None:
    newer: Look | None = None
    for look in looks:
        if newer is not None:
            goes_on = start_of(look.monitored) == start_of(newer.monitored)
            if count_of(newer.monitored) > (count_of(look.monitored) if goes_on else 0):
                return newer.at
        newer = look
    return newer.at if newer is not None and count_of(newer.monitored) else None
