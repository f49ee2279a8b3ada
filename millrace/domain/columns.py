"""Can the values of a column be read as the type its contract wants?"""

from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from millrace.domain.config import ColumnContract
from millrace.domain.kinds import ColumnType

Mask = npt.NDArray[np.bool_]

_TIME = "datetime64[us, UTC]"
_FIRST_TIME = pd.Timestamp("0001-01-01", tz="UTC")
_LAST_TIME = pd.Timestamp("9999-12-31T23:59:59.999999", tz="UTC")
"""The years `datetime` can hold; a time beyond them is a broken export, not a time."""

_READY = {
    ColumnType.FLOAT: np.dtype("float64"),
    ColumnType.INT: np.dtype("int64"),
    ColumnType.BOOL: np.dtype("bool"),
    ColumnType.STRING: pd.Series(dtype="str").dtype,
    ColumnType.TIMESTAMP: pd.DatetimeTZDtype("us", "UTC"),
}
_INT64_SPAN = 2.0**63
_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


@dataclass(frozen=True)
class Conversion:
    """A column in the contract's type. `refused` marks what has no place in it: it is null."""

    values: "pd.Series[Any]"
    refused: Mask | None


def convert_column(values: "pd.Series[Any]", column: ColumnContract) -> Conversion:
    """Read `values` as the contract's type.

    The dtype depends on the contract: float64, int64, bool, str, datetime64[us, UTC], and
    float64 for int and bool where nulls are allowed. Only nulls that are not allowed
    make an int or bool chunk float64 against its contract.
    """
    if values.dtype == _READY[column.type] and _is_ready(values, column.type):
        return Conversion(_narrow(values, column), None)
    plain = _without_dictionary(values)
    match column.type:
        case ColumnType.STRING:
            converted = _to_text(plain)
        case ColumnType.TIMESTAMP:
            converted = _to_time(plain)
        case ColumnType.FLOAT:
            converted = _to_float(plain)
        case ColumnType.INT:
            converted = _to_integer(plain)
        case ColumnType.BOOL:
            converted = _to_bool(plain)
        case _:
            assert_never(column.type)
    refused = (converted.isna() & plain.notna()).to_numpy(dtype=np.bool_)
    return Conversion(_narrow(converted, column), refused if refused.any() else None)


def _is_ready(values: "pd.Series[Any]", kind: ColumnType) -> bool:
    match kind:
        case ColumnType.FLOAT:
            return not np.isinf(values.to_numpy()).any()
        case ColumnType.TIMESTAMP:
            return bool(values.min() >= _FIRST_TIME and values.max() <= _LAST_TIME)
        case _:
            return True


def _without_dictionary(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype(values.cat.categories.dtype)
    return values


def _to_text(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(values.dtype, pd.StringDtype):
        return values.astype("str")
    if not types.is_object_dtype(values.dtype):
        # A number is no text: 01234 would have become 1234 long before it came here.
        return _nothing(values, "str")
    return values.where(values.map(lambda value: isinstance(value, str))).astype("str")


def _to_time(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if types.is_numeric_dtype(values.dtype) or types.is_timedelta64_dtype(values.dtype):
        # A number names no unit: seconds, milliseconds and nanoseconds are all in use.
        return _nothing(values, _TIME)
    times = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    return times.where(times.between(_FIRST_TIME, _LAST_TIME)).dt.as_unit("us")


def _to_float(values: "pd.Series[Any]") -> "pd.Series[Any]":
    floats = _to_number(values).astype("float64")
    return floats.mask(np.isinf(floats.to_numpy()))


def _to_integer(values: "pd.Series[Any]") -> "pd.Series[Any]":
    numbers = _to_number(values)
    if types.is_signed_integer_dtype(numbers.dtype):
        return numbers.astype("int64")
    floats = numbers.to_numpy(dtype="float64")
    whole = (floats == np.floor(floats)) & (np.abs(floats) < _INT64_SPAN)
    return numbers.astype("float64").where(whole)


def _to_number(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if _is_moment(values):
        return _nothing(values, "float64")
    return pd.to_numeric(values, errors="coerce")


def _is_moment(values: "pd.Series[Any]") -> bool:
    return types.is_datetime64_any_dtype(values.dtype) or types.is_timedelta64_dtype(values.dtype)


def _nothing(values: "pd.Series[Any]", dtype: Any) -> "pd.Series[Any]":
    nothing: pd.Series[Any] = pd.Series(None, index=values.index, dtype=dtype)
    return nothing


def _to_bool(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if types.is_bool_dtype(values.dtype):
        return values.astype("bool")
    if _is_moment(values):
        return _nothing(values, "float64")
    texts = values.astype("object").map(lambda value: str(value).lower(), na_action="ignore")
    return texts.map(_BOOLEANS).astype("float64")


def _narrow(converted: "pd.Series[Any]", column: ColumnContract) -> "pd.Series[Any]":
    if column.type not in (ColumnType.INT, ColumnType.BOOL):
        return converted
    if column.max_null_share > 0 or converted.isna().any():
        return converted.astype("float64")
    return converted.astype("int64" if column.type is ColumnType.INT else "bool")
