"""Which columns of the log say what two versions did, and of which types are they in every file?

What takes few values is coded, as texts. A label is one of two columns: a text, or a number.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millrace.adapters.prediction_log.tables import FIXED, INPUT, Kind
from millrace.domain.canonical import value_text

CODES = pa.dictionary(pa.int32(), pa.string())
LABEL, TEXT, NUMBER = "label", "text", "number"

_CODED = frozenset({"digest", "error", LABEL})
_UNUSED = {
    Kind.ANSWERS: frozenset({"role"}),
    Kind.SHADOWS: frozenset({"latency_us"}),
    Kind.LABELS: frozenset[str](),
}


def is_coded(name: str) -> bool:
    """Whether a column is wanted as codes."""
    return name in _CODED or name.startswith(INPUT)


def thin_schema(kind: Kind, inputs: tuple[str, ...]) -> pa.Schema:
    """Return the columns of a kind, with these inputs."""
    names = [name for name in FIXED[kind] if name not in _UNUSED[kind]]
    types = {name: CODES if is_coded(name) else FIXED[kind][name] for name in names}
    if kind is Kind.ANSWERS:
        types |= {INPUT + name: CODES for name in inputs}
    if kind is Kind.LABELS:
        types |= {TEXT: CODES, NUMBER: pa.float64()}
    return pa.schema(types.items())


def thinned(table: pa.Table, kind: Kind, inputs: tuple[str, ...]) -> pa.Table:
    """Return the rows of a table in the columns of `thin_schema`, null in those that it does not have."""
    schema = thin_schema(kind, inputs)
    if kind is Kind.LABELS:
        table = _with_label(table)
    return pa.table(
        [_column(table, name, type_) for name, type_ in zip(schema.names, schema.types, strict=True)],
        schema=schema,
    )


def codes_of(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Return the texts of a coded column, and which of them each row has: -1 for null."""
    texts: dict[str, int] = {}
    codes = [np.empty(0, np.int32)]
    for chunk in column.chunks:
        places = [texts.setdefault(text, len(texts)) for text in chunk.dictionary.to_pylist()]
        known = np.array([*places, -1], dtype=np.int32)  # the last is where -1 points to
        codes.append(known[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return list(texts), np.concatenate(codes)


def is_text(column: pa.ChunkedArray, text: str) -> npt.NDArray[np.bool_]:
    """Whether a coded column has a text."""
    texts, codes = codes_of(column)
    return np.array([*(one == text for one in texts), False])[codes]


def micros_of(moments: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return times as microseconds since 1970."""
    return np.asarray(moments.cast(pa.int64()).to_numpy())


def _with_label(table: pa.Table) -> pa.Table:
    if LABEL not in table.column_names:
        return table
    label = table[LABEL]
    is_number = pa.types.is_integer(label.type) or pa.types.is_floating(label.type)
    return table.append_column(NUMBER if is_number else TEXT, label)


def _column(table: pa.Table, name: str, type_: pa.DataType) -> pa.ChunkedArray:
    if name not in table.column_names or pa.types.is_null(table[name].type):
        return pa.chunked_array([pa.nulls(len(table), type_)], type_)
    column = table[name]
    return _coded(column) if type_ == CODES else column.cast(type_, safe=False)


def _coded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return pa.chunked_array([_as_texts(chunk) for chunk in column.chunks], CODES)


def _as_texts(chunk: pa.DictionaryArray) -> pa.DictionaryArray:
    if chunk.type == CODES:
        return chunk
    if pa.types.is_integer(chunk.type.value_type) or pa.types.is_string(chunk.type.value_type):
        texts = chunk.dictionary.cast(pa.string())
    else:
        texts = pa.array([value_text(value) for value in chunk.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(chunk.indices.cast(pa.int32()), texts)
