"""What may one field of a row hold, as a type and in words?"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.domain.words import MAX_CHARACTERS

FLOAT32_MAX = 3.4028234663852886e38
"""The largest number a graph can see: what is beyond it would silently become a null."""
INT64_MAX = 2**63 - 1
LARGEST_WHOLE = math.nextafter(2.0**63, 0.0)
"""The greatest whole number of 64 bits that is a float."""


def describe_column(column: InputColumn) -> str:
    """Say in words what a field may hold."""
    low, high = bounds_of(column)
    match column.type:
        case ColumnType.STRING if column.categories is not None:
            allowed = f"one of {', '.join(column.categories)}"
        case ColumnType.STRING if column.text:
            allowed = f"a text of at most {MAX_CHARACTERS:,} characters"
        case ColumnType.STRING:
            allowed = "a text"
        case ColumnType.BOOL:
            allowed = "true or false"
        case ColumnType.TIMESTAMP:
            allowed = "a time such as 2013-01-31T12:00:00Z"
        case ColumnType.INT:
            allowed = f"a whole number from {low:.6g} to {high:.6g}"
        case ColumnType.FLOAT:
            allowed = f"a number from {low:.6g} to {high:.6g}"
    return f"{allowed}, or null" if column.nullable else allowed


def field_type(column: InputColumn) -> Any:
    """Return the type that msgspec checks a value by."""
    low, high = bounds_of(column)
    match column.type:
        case ColumnType.STRING if column.categories is not None:
            kind: Any = Literal[column.categories]
        case ColumnType.STRING if column.text:
            kind = Annotated[str, Meta(max_length=MAX_CHARACTERS)]
        case ColumnType.STRING:
            kind = str
        case ColumnType.BOOL:
            kind = bool
        case ColumnType.TIMESTAMP:
            kind = datetime
        case ColumnType.FLOAT:
            kind = Annotated[float, Meta(ge=low, le=high)]
        case ColumnType.INT:
            # JSON has one kind of number: 3.0 is what many clients write for 3
            kind = (
                Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))]
                | Annotated[float, Meta(multiple_of=1.0, ge=low, le=min(high, LARGEST_WHOLE))]
            )
    return kind | None if column.nullable else kind


def bounds_of(column: InputColumn) -> tuple[float, float]:
    """Return the least and the greatest number a column allows."""
    widest: float = INT64_MAX if column.type is ColumnType.INT else FLOAT32_MAX
    return (
        -widest if column.min is None else max(column.min, -widest),
        widest if column.max is None else min(column.max, widest),
    )


def utc_text(value: datetime | str) -> str:
    """Write a time in the one form the log has, so that a label finds its row however it was written."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
