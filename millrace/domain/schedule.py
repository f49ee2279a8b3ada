"""When was a cron expression last due?"""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

FIELDS = 5
"""Minute, hour, day of the month, month, day of the week."""


def check_cron(expression: str) -> str:
    """Return `expression` if it is five cron fields, read in UTC.

    >>> check_cron("0 6 * * *")
    '0 6 * * *'

    Raises
    ------
    ValueError
        If it is anything else, or names a time that never comes.
    """
    refusal = f"{expression!r} is no cron expression: write five fields, such as '0 6 * * *' (UTC)"
    if len(expression.split()) != FIELDS:
        raise ValueError(refusal)
    try:
        next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(refusal) from error
    return expression


def last_due(expression: str, now: datetime) -> datetime:
    """Return the newest time of the expression that is not after `now`, in UTC.

    >>> last_due("0 6 * * *", datetime(2013, 4, 1, 5, 59, tzinfo=UTC))
    datetime.datetime(2013, 3, 31, 6, 0, tzinfo=datetime.timezone.utc)
    """
    now = now.astimezone(UTC)
    this_minute = now.replace(second=0, microsecond=0)
    latest = next(CronSim(expression, this_minute, reverse=True))
    following = next(CronSim(expression, latest))
    return following if following <= now else latest


def next_due(expression: str, now: datetime) -> datetime:
    """Return the first time of the expression after `now`, in UTC.

    >>> next_due("0 6 * * *", datetime(2013, 4, 1, 6, 0, tzinfo=UTC))
    datetime.datetime(2013, 4, 2, 6, 0, tzinfo=datetime.timezone.utc)
    """
    return next(CronSim(expression, now.astimezone(UTC)))
