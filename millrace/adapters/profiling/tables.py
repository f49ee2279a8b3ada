"""How are the columns of an Arrow table counted, and which of them cannot be?"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.domain.features import NULL_TEXT, UnreadableColumnError, text_values
from millrace.domain.kinds import ColumnType
from millrace.domain.profile import Tally

_FLOATS = (pa.float64(), pa.float32())
_TEXTS = (pa.string(), pa.large_string())


def count_table(table: pa.Table, tally: Tally, types: Mapping[str, ColumnType]) -> None:
    """Count the columns that the tally is of; `types` are those of its categorical ones and of its texts.

    A text among the numeric ones is counted by its length in characters.

    A column that is not there, or that holds something else, is noted in the tally, and the others are
    counted all the same.
    """
    tally.rows += len(table)
    for name in (*tally.numeric, *tally.categorical):
        if name in tally.unreadable:
            continue
        found = table.column_names.count(name)
        if found == 0:
            tally.missing[name] += len(table)
            continue
        reason = trouble_with(table.schema, name, tally, types)
        if reason is not None:
            tally.unreadable[name] = reason
        elif _is_measured(name, tally, types):
            _count_lengths(table[name], name, tally)
        elif name in tally.numeric:
            _count_numbers(table[name], name, tally)
        else:
            _count_texts(table[name], name, types[name], tally)


def trouble_with(schema: pa.Schema, name: str, tally: Tally, types: Mapping[str, ColumnType]) -> str | None:
    """Say why a column cannot be counted, by its type alone."""
    places = schema.get_all_field_indices(name)
    if len(places) > 1:
        return f"found {len(places)} columns of this name, needed one"
    type_ = _plain(schema.field(places[0]).type)
    if _is_measured(name, tally, types):
        return None if type_ in _TEXTS or pa.types.is_null(type_) else f"found {type_}, needed texts"
    if name in tally.numeric and not _is_number(type_):
        return f"found {type_}, needed numbers"
    if pa.types.is_nested(type_):
        return f"found {type_}, needed categories"
    return None


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _is_number(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return pa.types.is_null(type_) or any(is_kind(type_) for is_kind in kinds)


def _is_measured(name: str, tally: Tally, types: Mapping[str, ColumnType]) -> bool:
    """Whether the length of a text is what is counted: a text has the type, and numbers for counts."""
    return name in tally.numeric and types.get(name) is ColumnType.STRING


def _count_lengths(column: pa.ChunkedArray, name: str, tally: Tally) -> None:
    plain = column.cast(_plain(column.type)) if pa.types.is_dictionary(column.type) else column
    texts = plain.cast(pa.string()) if pa.types.is_null(plain.type) else plain
    _count_numbers(pc.utf8_length(texts), name, tally)


def _count_numbers(column: pa.ChunkedArray, name: str, tally: Tally) -> None:
    for chunk in column.chunks:
        known = chunk.drop_null()
        if known.type not in _FLOATS:
            known = known.cast(pa.float64(), safe=False)
        tally.numeric[name].add(known.to_numpy(), len(chunk) - len(known))


def _count_texts(column: pa.ChunkedArray, name: str, type_: ColumnType, tally: Tally) -> None:
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        codes = coded.indices.drop_null()
        counts = np.bincount(codes.to_numpy(), minlength=len(coded.dictionary))
        wanted = counts > 0
        if type_ is ColumnType.STRING and coded.dictionary.type in _TEXTS:
            # of millions of texts only those that are counted by themselves need to become Python's
            known = pa.array(tally.categorical[name].known, coded.dictionary.type)
            wanted &= pc.is_in(coded.dictionary, value_set=known).to_numpy(zero_copy_only=False)
        found = np.flatnonzero(wanted)
        try:
            texts = text_values(coded.dictionary.take(pa.array(found)).to_pylist(), name, type_)
        except UnreadableColumnError as error:
            tally.unreadable[name] = f"found {error.found}, needed {error.needed}"
            return
        often, nulls = counts[found].tolist(), len(chunk) - len(codes)
        others = len(codes) - sum(often)
        tally.categorical[name].add([*texts.tolist(), NULL_TEXT], [*often, nulls], others)
