"""How long is "28d"?"""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read a number and a unit out of s, m, h, d, w.

    >>> parse_duration("6h")
    datetime.timedelta(seconds=21600)

    Raises
    ------
    ValueError
        If the text is anything else.
    """
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a number and one of s m h d w, such as '28d'")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
