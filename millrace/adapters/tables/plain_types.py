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
        return values.cast(pa.float64())
    if kinds.is_floating(values.type):
        values = values.cast(pa.float64())
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if kinds.is_timestamp(values.type) or kinds.is_date(values.type):
        return _in_utc(values)
    if kinds.is_null(values.type) or kinds.is_duration(values.type):
        return values.cast(pa.string())
    return values.cast(pa.int64(), safe=False) if kinds.is_integer(values.type) else values


def _in_utc(values: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_date(values.type) or values.type.tz is None:
        values = values.cast(pa.timestamp("us"), safe=False)
    return values.cast(pa.timestamp("us", tz="UTC"), safe=False)
