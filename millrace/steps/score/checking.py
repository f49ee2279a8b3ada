"""Which rows of a table may a version answer, and what does it see of them?"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn
from millrace.domain.config import ColumnContract
from millrace.domain.features import Coded, MissingColumnsError
from millrace.domain.kinds import ColumnType
from millrace.domain.words import MAX_CHARACTERS, is_null
from millrace.serving.fields import bounds_of, describe_column

if TYPE_CHECKING:
    import pyarrow as pa

Mask = npt.NDArray[np.bool_]

SHOWN_CHARACTERS = 80
_DIGITS = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")


@dataclass(frozen=True, eq=False)
class ReadColumn:
    """A column as the scorer takes it, and which of its rows the schema does not allow."""

    values: Any
    refused: Mask


@dataclass
class CheckedRows:
    """Rows as the scorer takes them; `errors` says by position why a row is not answered."""

    columns: dict[str, Any]
    errors: dict[int, str] = field(default_factory=dict)

    def answerable(self, rows: int) -> npt.NDArray[np.intp] | None:
        """Return the positions of the rows that may be answered, None when they all may."""
        if not self.errors:
            return None
        kept = np.ones(rows, dtype=np.bool_)
        kept[list(self.errors)] = False
        return np.flatnonzero(kept)


def check_rows(table: "pa.RecordBatch", inputs: tuple[InputColumn, ...]) -> CheckedRows:
    """Hold each row to the schema, as the prediction service does.

    Raises
    ------
    MissingColumnsError
        If the table has no column of that name: not a matter of rows.
    """
    names = set(table.schema.names)
    missing = tuple(column.name for column in inputs if column.name not in names)
    if missing:
        raise MissingColumnsError(missing, tuple(column.name for column in inputs))
    checked = CheckedRows({})
    for column in inputs:
        array = table.column(column.name)
        found = _reader_of(column)(array, column)
        checked.columns[column.name] = found.values
        for row in np.flatnonzero(found.refused):
            if int(row) not in checked.errors:
                shown = _shown(array[int(row)].as_py())
                needed = f"found {shown}, allowed is {describe_column(column)}"
                checked.errors[int(row)] = f"field {column.name!r}: {needed}"
    return checked


def _reader_of(column: InputColumn) -> "Callable[[pa.Array[Any], InputColumn], ReadColumn]":
    if column.type is ColumnType.INT and column.categorical:
        return _read_whole_names
    if column.type is not ColumnType.STRING:
        return _read_numbers
    return _read_texts if column.text else _read_names


def _read_numbers(array: "pa.Array[Any]", column: InputColumn) -> ReadColumn:
    values, refused = _to_floats(array, column.type)
    absent = np.isnan(values)
    if not column.nullable:
        refused = refused | absent
    low, high = bounds_of(column) if column.type is not ColumnType.BOOL else (0.0, 1.0)
    with np.errstate(invalid="ignore"):
        refused = refused | (values < low) | (values > high)
    if not column.categorical:
        return ReadColumn(values, refused)
    # what is refused is no category either
    distinct, codes = np.unique(np.where(refused, np.nan, values), return_inverse=True)
    return ReadColumn(Coded(distinct.tolist(), codes), refused)


def _to_floats(array: "pa.Array[Any]", kind: ColumnType) -> tuple[npt.NDArray[np.float64], Mask]:
    import pyarrow as pa

    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    if (is_number and kind is not ColumnType.BOOL) or (
        pa.types.is_boolean(array.type) and kind is ColumnType.BOOL
    ):
        values = _plain_floats(array)
        whole = kind is not ColumnType.INT or pa.types.is_integer(array.type)
        broken = np.isinf(values)
        return values, broken if whole else broken | (values != np.floor(values)) & ~np.isnan(values)
    return _convert(array, kind)


def _plain_floats(array: "pa.Array[Any]") -> npt.NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    floats = array.cast(pa.float64(), safe=False)
    if floats.null_count:
        floats = pc.fill_null(floats, float("nan"))
    # not `to_numpy`, which imports pandas; and a copy, for what is read must not change under the file
    start = floats.offset
    return np.frombuffer(floats.buffers()[1], dtype=np.float64)[start : start + len(floats)].copy()


def _convert(array: "pa.Array[Any]", kind: ColumnType) -> tuple[npt.NDArray[np.float64], Mask]:
    """Read what is written otherwise, as ingest reads it: numbers and truths as text, decimals."""
    from millrace.domain.columns import convert_column

    contract = ColumnContract(type=kind, max_null_share=1.0)
    found = convert_column(array.to_pandas(), contract)
    values = found.values.to_numpy(dtype=np.float64, na_value=np.nan)
    nothing = np.zeros(len(values), dtype=np.bool_)
    return values, nothing if found.refused is None else found.refused


def _read_whole_names(array: "pa.Array[Any]", column: InputColumn) -> ReadColumn:
    """Read whole numbers as names: a float would make one of two that differ beyond 2**53."""
    dictionary, codes = _encode(array)
    raw = [None if is_null(value) else value for value in dictionary.to_pylist()]
    floats, wrong = _to_floats(dictionary, ColumnType.INT)
    low, high = bounds_of(column)
    names: list[int | None] = []
    for value, near, refused in zip(raw, floats.tolist(), wrong.tolist(), strict=True):
        found = None if value is None or refused else _whole(value, near)
        names.append(None if found is None or not low <= found <= high else found)
    allowed = [
        column.nullable if value is None else name is not None
        for value, name in zip([*raw, None], [*names, None], strict=True)
    ]
    return ReadColumn(Coded([*names, None], codes), ~np.array(allowed, dtype=np.bool_)[codes])


def _whole(value: Any, near: float) -> int | None:
    """Return the number that is written, `near` where that is no whole number's own writing."""
    if isinstance(value, int | Decimal) or (isinstance(value, str) and _DIGITS.fullmatch(value)):
        return int(value)
    return int(near) if math.isfinite(near) else None


def _encode(array: "pa.Array[Any]") -> "tuple[pa.Array[Any], npt.NDArray[np.intp]]":
    """Return the distinct values, and which each row has; a null has the place after the last."""
    import pyarrow as pa

    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False).astype(np.intp)
    return coded.dictionary, codes


def _read_names(array: "pa.Array[Any]", column: InputColumn) -> ReadColumn:
    dictionary, codes = _encode(array)
    distinct = [*dictionary.to_pylist(), None]
    allowed = np.array([_is_name(value, column) for value in distinct])
    texts = [value if ok else None for value, ok in zip(distinct, allowed, strict=True)]
    return ReadColumn(Coded(texts, codes), ~allowed[codes])


def _is_name(value: object, column: InputColumn) -> bool:
    if value is None:
        return column.nullable
    return isinstance(value, str) and (column.categories is None or value in column.categories)


def _read_texts(array: "pa.Array[Any]", column: InputColumn) -> ReadColumn:
    values = array.to_pylist()
    refused = [
        not column.nullable if value is None else not isinstance(value, str) or len(value) > MAX_CHARACTERS
        for value in values
    ]
    mask = np.array(refused, dtype=np.bool_)
    texts = [None if bad else value for value, bad in zip(values, refused, strict=True)]
    return ReadColumn(np.array(texts, dtype=object), mask)


def _shown(value: object) -> str:
    text = "null" if value is None or value != value else repr(value)  # noqa: PLR0124 - true of NaN alone
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
