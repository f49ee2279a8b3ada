"""Which values does a tensor of the Open Inference Protocol hold, and may its column?"""

import math
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.serving.fields import FLOAT32_MAX, describe_column
from millrace.serving.requests import MAX_PROBLEMS, InvalidRowsError, Problem, shown

ANSWER, DIGEST, DECISION = "answer", "digest", "decision"
"""The outputs: what the model says of each row, which bundle said it, the class its threshold makes of it."""

_WHOLE = {
    f"{kind}{bits}": (0, 2**bits - 1) if kind == "UINT" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for kind in ("INT", "UINT")
    for bits in (8, 16, 32, 64)
}
_FLOATS = {"FP16": 65504.0, "FP32": FLOAT32_MAX, "FP64": math.inf}
NUMBERS = (*_FLOATS, *_WHOLE)
_ALLOWED: dict[ColumnType, tuple[str, ...]] = {
    ColumnType.FLOAT: NUMBERS,
    ColumnType.INT: NUMBERS,
    ColumnType.BOOL: ("BOOL",),
    ColumnType.STRING: ("BYTES",),
    ColumnType.TIMESTAMP: ("BYTES",),
}
_OWN = {
    ColumnType.FLOAT: "FP64",
    ColumnType.INT: "INT64",
    ColumnType.BOOL: "BOOL",
    ColumnType.STRING: "BYTES",
    ColumnType.TIMESTAMP: "BYTES",
}


Size = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[float, Meta(multiple_of=1.0, ge=0.0, le=2.0**63)]
"""JSON has one kind of number: 3.0 is what some clients write for 3."""


class InputTensor(msgspec.Struct, forbid_unknown_fields=True):
    """The values of one column. `data` is flat or nested in row-major order, and may hold nulls."""

    name: str
    shape: list[Size]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class OutputTensor(msgspec.Struct, forbid_unknown_fields=True):
    """An output that a client wants."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    inputs: list[InputTensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[OutputTensor] = []


def datatype_of(kind: ColumnType) -> str:
    """Return the datatype that holds every value of a column."""
    return _OWN[kind]


def datatypes_of(kind: ColumnType) -> tuple[str, ...]:
    """Return the datatypes that a column's values may come as."""
    return _ALLOWED[kind]


def values_of(tensor: InputTensor, column: InputColumn) -> list[Any]:
    """Return a value for each row.

    Raises
    ------
    InvalidRowsError
        If the tensor's datatype is not one of its column, or its shape or a value not as it says.
    """
    if tensor.datatype not in _ALLOWED[column.type]:
        allowed = f"{' or '.join(_ALLOWED[column.type])}: {describe_column(column)}"
        raise _problem(tensor, f"datatype {tensor.datatype[:20]!r}", allowed)
    if tensor.data is None:
        raise _problem(tensor, "no data", "values in 'data', or a binary_data_size and bytes behind the JSON")
    # one column is one number wide
    if not (len(tensor.shape) == 1 or tensor.shape[1:] == [1]):
        raise _problem(tensor, f"shape {shown(tensor.shape)}", "[n] or [n, 1] for n rows")
    values = _flat(tensor.data)
    if len(values) != tensor.shape[0]:
        raise _problem(tensor, f"{len(values)} values", f"the {tensor.shape[0]:.0f} that its shape says")
    wrong = [at for at, value in enumerate(values) if not _is_of(value, tensor.datatype)]
    if wrong:
        allowed = f"a {tensor.datatype} that is {describe_column(column)}"
        raise InvalidRowsError(
            [Problem(at, tensor.name, shown(values[at]), allowed) for at in wrong[:MAX_PROBLEMS]]
        )
    return values


def _flat(data: Sequence[Any]) -> list[Any]:
    return [one[0] if type(one) is list and len(one) == 1 else one for one in data]


def _is_of(value: object, datatype: str) -> bool:
    if value is None:
        return True
    if datatype == "BOOL":
        return isinstance(value, bool)
    if datatype == "BYTES":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if datatype in _FLOATS:
        return abs(value) <= _FLOATS[datatype]
    low, high = _WHOLE[datatype]
    return (isinstance(value, int) or value.is_integer()) and low <= value <= high


def _problem(tensor: InputTensor, found: str, allowed: str) -> InvalidRowsError:
    return InvalidRowsError([Problem(None, tensor.name, found, allowed)])
