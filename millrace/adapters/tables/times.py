"""Which texts are times, by the format of their column?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def parse_times(texts: "pa.Array", format_: str | None) -> "pd.Series[Any]":
    """Return times in UTC, microseconds; NaT where a text is none. Without a format they are ISO's."""
    import pandas as pd

    values = texts.to_pandas()
    times = pd.to_datetime(values, utc=True, errors="coerce", format=format_ or "ISO8601")
    found: pd.Series[Any] = times.dt.as_unit("us")
    return found


def respell_times(texts: "pa.Array", format_: str) -> "pa.Array":
    """Return times as times; where a text is none all become texts, which say what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times = parse_times(texts, format_)
    parsed = pa.array(times, pa.timestamp("us", tz="UTC"), from_pandas=True)
    odd = pc.and_(pc.is_valid(texts), pc.is_null(parsed))
    if not pc.any(odd).as_py():
        return parsed
    said = pc.binary_join_element_wise(texts, pa.scalar(f" [not {format_}]"), "")
    iso = pc.strftime(parsed, "%Y-%m-%dT%H:%M:%SZ")
    return pc.if_else(odd, said, iso)
