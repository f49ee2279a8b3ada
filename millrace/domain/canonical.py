"""How is a value written so that its digest never depends on who wrote it?"""

import dataclasses
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

NULL = "(null)"
"""What a null is called among the texts of a column's values."""


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():.6f}S"
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_json(value: Any) -> str:
    """Write `value` as JSON with sorted keys, no spaces, no NaN, ASCII only.

    Dataclasses become objects, datetimes and lengths of time ISO 8601 text, tuples arrays.

    Raises
    ------
    ValueError
        If a number is NaN or infinite: neither is JSON.
    TypeError
        If a value has no canonical form.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def readable_json(value: Any) -> str:
    """Write `value` as JSON for people and `git diff`: sorted keys, indented, a line end."""
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False, default=_plain) + "\n"


def sha256_of(value: Any) -> str:
    """Return the hexadecimal SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def value_text(value: str | float | bool) -> str:
    """Write one value of a column so that equal values are equal texts, whatever type carried them.

    >>> [value_text(value) for value in (5, 5.0, "5", 0.1, True)]
    ['5', '5', '5', '0.1', 'true']
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
