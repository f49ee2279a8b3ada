"""Which of the five types of a contract do the values of a file have?"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def to_plain_type(values: "pa.Array") -> "pa.Array":
    """Return values as one of the five types; NaN is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = pa.types
    if kinds.is_dictionary(values.type):
        values = values.dictionary_decode()
    if kinds.is_large_string(values.type) or kinds.is_string_view(values.type) or kinds.is_time(values.type):
        return values.cast(pa.string())
    if kinds.is_decimal(values.type):
        return _without_decimals(values)
    if kinds.is_floating(values.type):
        values = values.cast(pa.float64())
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if kinds.is_timestamp(values.type) or kinds.is_date(values.type):
        return _in_utc(values)
    if kinds.is_null(values.type) or kinds.is_duration(values.type):
        return values.cast(pa.string())
    return _whole(values) if kinds.is_integer(values.type) else values


def _whole(values: "pa.Array") -> "pa.Array":
    """Beyond int64 a number would come back as another one: it is an identifier."""
    import pyarrow as pa

    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        return values.cast(pa.string())


def _without_decimals(values: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    if values.type.scale > 0:
        return values.cast(pa.float64())
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        return values.cast(pa.float64())


def _in_utc(values: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_date(values.type) or values.type.tz is None:
        values = values.cast(pa.timestamp("us"), safe=False)
    return values.cast(pa.timestamp("us", tz="UTC"), safe=False)
