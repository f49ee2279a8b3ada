"""Which rows do labels name by a key, among millions?

A label names all rows that have its texts in its columns. Here a key is the hash of these texts.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.adapters.prediction_log.names import (
    BoolArray,
    IntArray,
    Names,
    UintArray,
    hash_ids,
    hash_together,
)
from millrace.adapters.prediction_log.tables import INPUT

_BETWEEN = "\0"


@dataclass(frozen=True, eq=False)
class Keyed:
    """Labels that name rows by the same columns: the positions of the labels, and the key of each."""

    columns: tuple[str, ...]
    positions: IntArray
    keys: UintArray


def keyed_labels(labels: pa.Table) -> list[Keyed]:
    """Return the labels that name no request, by the columns of their keys."""
    names = pc.binary_join(labels["key_columns"], _BETWEEN)
    is_keyed = pc.and_(labels["request_id"].is_null(), names.is_valid())
    found = []
    for text in sorted(filter(None, pc.unique(names.filter(is_keyed)).to_pylist())):
        is_mine = pc.fill_null(pc.and_(is_keyed, pc.equal(names, text)), False).to_numpy()
        found.append(_keyed(tuple(text.split(_BETWEEN)), labels["key"], np.flatnonzero(is_mine)))
    return found


def newest_of_keys(keyed: Keyed, answers: pa.Table, ranks: IntArray) -> IntArray:
    """Return for each row the rank of the newest label that names it by its key, -1 where none does."""
    rows, has_key = keys_of_rows(answers, keyed.columns)
    keys, places = np.unique(keyed.keys, return_inverse=True)
    newest, rank = np.full(len(keys) + 1, -1), ranks[keyed.positions]
    order = np.argsort(rank)
    # of several that are written to one place the last stays
    newest[places[order]] = rank[order]
    return np.where(has_key, newest[Names(keys).find(rows)], -1)


def labels_of_rows(keyed: Keyed, answers: pa.Table, chosen: BoolArray) -> IntArray:
    """Return the positions of the labels that name chosen rows."""
    rows, has_key = keys_of_rows(answers, keyed.columns)
    return keyed.positions[np.isin(keyed.keys, rows[chosen & has_key])]


def _keyed(columns: tuple[str, ...], keys: pa.ChunkedArray, positions: IntArray) -> Keyed:
    texts = keys.take(pa.array(positions)).combine_chunks().flatten()
    parts = hash_ids(texts).reshape(-1, len(columns))
    # a part that is null names nothing
    is_whole = texts.is_valid().to_numpy(zero_copy_only=False).reshape(parts.shape).all(axis=1)
    return Keyed(columns, positions[is_whole], hash_together(list(parts[is_whole].T)))


def keys_of_rows(answers: pa.Table, columns: tuple[str, ...]) -> tuple[UintArray, BoolArray]:
    """Return the key of each row, and whether it has one."""
    hashes, has_key = [], np.ones(len(answers), dtype=bool)
    for name in columns:
        column = answers[INPUT + name]
        hashes.append(np.concatenate([np.empty(0, np.uint64), *map(_hashed, column.chunks)]))
        has_key &= column.is_valid().to_numpy()
    return hash_together(hashes), has_key


def _hashed(chunk: pa.DictionaryArray) -> UintArray:
    hashes = np.append(hash_ids(chunk.dictionary), np.uint64(0))  # the last is where -1 points to
    return np.asarray(hashes[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
