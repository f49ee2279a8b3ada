"""Has nothing happened for too long?"""

from datetime import datetime, timedelta

from millrace.domain.facts import SilenceNoticed, Subject


def judge_silence(
    subject: Subject, last: datetime, limit: timedelta, noticed: datetime | None, now: datetime
) -> SilenceNoticed | None:
    """Return what to record when `subject` was last there longer than `limit` ago; once for each silence.

    `noticed` is when a silence of it was noticed last.
    """
    if now - last <= limit or (noticed is not None and noticed >= last):
        return None
    return SilenceNoticed(subject, last, limit.total_seconds())
