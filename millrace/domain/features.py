"""What does a pipeline or a graph see of a raw row? The same in training and in serving."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.domain.words import UnreadableTextError, is_null, text_lengths, word_values
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd

NULL_TEXT = "__null__"
"""What a null of a categorical column becomes: a category of its own, for graphs have no null string."""

_PLAIN = frozenset({list, tuple})
_CONVERSION_REFUSALS = (TypeError, ValueError, OverflowError)


class Columns(Protocol):
    """Raw columns by name: a DataFrame, or a mapping of arrays or lists of equal length."""

    def __contains__(self, name: object, /) -> bool: ...

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as its distinct values and, for each row, which of them it has: each is read once."""

    distinct: list[Any]
    codes: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> "Coded":
        return Coded(self.distinct, self.codes[rows])

    def spread(self, values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Give each row what became of its value; `values` are in the order of `distinct`."""
        found: npt.NDArray[np.object_] = values[self.codes]
        return found


class MissingColumnsError(MillraceError):
    """Rows came without columns the model needs."""

    def __init__(self, missing: tuple[str, ...], needed: tuple[str, ...]) -> None:
        self.missing, self.needed = missing, needed
        super().__init__(
            f"no column {', '.join(map(repr, missing))} in these rows; needed are {', '.join(needed)}"
        )


class UnreadableColumnError(MillraceError):
    """A column holds values its declared type does not allow."""

    def __init__(self, column: str, found: str, needed: str) -> None:
        self.column, self.found, self.needed = column, found, needed
        super().__init__(
            f"column {column!r}: found {found}, needed {needed}. "
            f"Compare the rows with [contract.columns.{column}] of model.toml"
        )


def feature_columns(columns: Columns, inputs: tuple[InputColumn, ...]) -> dict[str, npt.NDArray[Any]]:
    """Turn raw columns into what a graph takes, in the order of `inputs`.

    Returns
    -------
    name to array of shape (n_rows,)
        Numeric columns as float32, where null, infinity and what float32 cannot hold are NaN;
        categorical columns as text, where null is `NULL_TEXT`; texts as their words, see `words_of`.

    Raises
    ------
    MissingColumnsError
        If a column of `inputs` is absent.
    UnreadableColumnError
        If a value is not of its column's type.
    """
    try:
        raw = {column.name: columns[column.name] for column in inputs}
    except KeyError as error:
        needed = tuple(column.name for column in inputs)
        raise MissingColumnsError(tuple(name for name in needed if name not in columns), needed) from error
    numbers = _float32_columns({column.name: raw[column.name] for column in inputs if not column.is_text})
    texts = {
        column.name: _words(raw[column.name], column.name)
        if column.text
        else text_values(raw[column.name], column.name, column.type)
        for column in inputs
        if column.is_text
    }
    # `raw` has the order; each name is in one of the two
    return {**raw, **numbers, **texts}


def feature_frame(columns: Columns, inputs: tuple[InputColumn, ...]) -> "pd.DataFrame":
    """Turn raw columns into what a scikit-learn pipeline takes.

    Numbers are rounded to float32, so that the pipeline learns from the values the graph will
    see, and carried as float64, so that a fit runs in full precision.
    """
    import pandas as pd

    ready = feature_columns(columns, inputs)
    texts = [column.name for column in inputs if column.is_text]
    numbers = [column.name for column in inputs if not column.is_text]
    # one block of each kind, its type given: pandas would make and convert one block for each column
    frame = pd.DataFrame(_block(ready, numbers, np.float64), columns=numbers)
    if texts:
        frame = pd.concat(
            [frame, pd.DataFrame(_block(ready, texts, object), columns=texts, dtype=object)], axis=1
        )
    names = [column.name for column in inputs]
    return frame if [*frame.columns] == names else frame[names]


def _block(ready: dict[str, npt.NDArray[Any]], names: list[str], kind: Any) -> npt.NDArray[Any]:
    rows = len(next(iter(ready.values())))
    block = np.empty((len(names), rows), dtype=kind)
    for at, name in enumerate(names):
        block[at] = ready[name]
    return block.T


def number_values(column: Any, name: str) -> npt.NDArray[np.float64]:
    """Read a column as float64; null is NaN.

    Raises
    ------
    UnreadableColumnError
        If a value is no number. A time is none: its float would depend on its unit.
    """
    if getattr(getattr(column, "dtype", None), "kind", "") in {"m", "M"}:
        raise UnreadableColumnError(name, f"times ({column.dtype})", "numbers, such as an hour or an age")
    try:
        if hasattr(column, "to_numpy"):
            return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.array(column, dtype=np.float64)
    except _CONVERSION_REFUSALS as error:
        raise UnreadableColumnError(name, str(error), "numbers") from error


def text_values(column: Any, name: str, kind: ColumnType) -> npt.NDArray[np.object_]:
    """Read a column as categories: one text per value, however the values are stored.

    Raises
    ------
    UnreadableColumnError
        If a value is not of type `kind`.
    """
    if isinstance(column, Coded):
        return column.spread(text_values(column.distinct, name, kind))
    if kind is ColumnType.STRING and type(column) in _PLAIN and set(map(type, column)) == {str}:
        return np.array(column, dtype=object)
    values = (
        column.to_numpy(dtype=object, na_value=None)
        if hasattr(column, "to_numpy")
        else np.asarray(column, dtype=object)
    )
    try:
        texts = {value: _text(value, kind) for value in set(values.tolist())}
        return np.array([texts[value] for value in values.tolist()], dtype=object)
    except _CONVERSION_REFUSALS as error:
        raise UnreadableColumnError(name, str(error), f"values of type {kind}") from error


def length_values(column: Any, name: str) -> npt.NDArray[np.float64]:
    """Read a column of texts as their lengths in characters; that of a null is NaN.

    Raises
    ------
    UnreadableColumnError
        If a value is no text.
    """
    try:
        return text_lengths(column)
    except UnreadableTextError as error:
        raise UnreadableColumnError(name, repr(error.found), "texts") from error


def _words(column: Any, name: str) -> npt.NDArray[np.object_]:
    try:
        return word_values(column)
    except UnreadableTextError as error:
        raise UnreadableColumnError(name, repr(error.found), "texts") from error


def _float32_columns(columns: dict[str, Any]) -> dict[str, npt.NDArray[np.float32]]:
    """Convert all columns at once where they are plain lists: a request's few rows cost a tenth so."""
    if _PLAIN.issuperset(map(type, columns.values())):
        # a value that is no number is found again below, where its column has a name
        with contextlib.suppress(*_CONVERSION_REFUSALS):
            block = np.array([*columns.values()], dtype=np.float64)
            return dict(zip(columns, _to_float32(block), strict=True))
    return {name: _to_float32(number_values(values, name)) for name, values in columns.items()}


def _to_float32(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    narrow[np.isinf(narrow)] = np.nan
    return narrow


def _text(value: Any, kind: ColumnType) -> str:
    if is_null(value):
        return NULL_TEXT
    match kind:
        case ColumnType.STRING if isinstance(value, str):
            return str(value)
        case ColumnType.INT if int(value) == value:
            return str(int(value))
        case ColumnType.BOOL if value in {0, 1}:
            return str(bool(value)).lower()
        case ColumnType.FLOAT:
            return repr(float(value))
        case _:
            raise TypeError(f"{value!r} ({type(value).__name__})")
