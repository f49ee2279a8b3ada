"""Which rows of the log bear the same name, among millions?

A name is a request's id and the row's place in it. Here it is 64 bits of a hash: equal names have equal ones,
others as good as never.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

UintArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_WORD = 8
_FACTORS = tuple(np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64))
_SHIFT = np.uint64(31)
_MASKS = np.array([(1 << 8 * bytes_) - 1 for bytes_ in range(_WORD)] + [2**64 - 1], dtype=np.uint64)


def hash_ids(ids: pa.StringArray) -> UintArray:
    """Hash texts, eight bytes of all of them at a time; null is hashed as the empty text."""
    offsets = np.frombuffer(ids.buffers()[1], dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1]
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets)
    words = _words_of(ids.buffers()[2])
    hashes: UintArray = lengths.astype(np.uint64)
    for position in range(0, int(lengths.max(initial=0)), _WORD):
        left = lengths - position
        is_left = left > 0
        word = words[starts[is_left] + position] & _MASKS[np.minimum(left[is_left], _WORD)]
        hashes[is_left] = _mixed(hashes[is_left] ^ word)
    return _mixed(hashes)


def hash_names(ids: UintArray, rows: IntArray) -> UintArray:
    """Hash the names of rows, of the hashes of their requests' ids."""
    return _mixed(ids + rows.astype(np.uint64) * _FACTORS[0])


def hash_together(hashes: Sequence[UintArray]) -> UintArray:
    """Hash what has several parts, of the hashes of each."""
    together = np.zeros(len(hashes[0]), dtype=np.uint64)
    for one in hashes:
        together = _mixed(together + one)
    return together


def is_of_sample(ids: UintArray, share: float) -> BoolArray:
    """Choose a share of the requests; a smaller share is a part of every larger one."""
    return np.asarray(ids < np.uint64(share * (2**64 - 2**11)))


def _words_of(data: pa.Buffer | None) -> UintArray:
    """Return the eight bytes that begin at each byte, with zeros behind the last."""
    padded = np.zeros((data.size if data is not None else 0) + _WORD, dtype=np.uint8)
    if data is not None:
        padded[:-_WORD] = np.frombuffer(data, dtype=np.uint8)
    words: npt.NDArray[Any] = np.ndarray(len(padded) - _WORD + 1, np.uint64, padded.data, strides=(1,))
    return words


def _mixed(words: UintArray) -> UintArray:
    """Spread each bit over all others: the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> _SHIFT)) * _FACTORS[1] + _FACTORS[0]
        words = (words ^ (words >> _SHIFT)) * _FACTORS[2]
    return words ^ (words >> _SHIFT)


class Names:
    """The names of many rows, in the order in which they are found."""

    def __init__(self, names: UintArray) -> None:
        self._order = np.argsort(names)
        self._sorted = names[self._order]

    def find(self, names: UintArray) -> IntArray:
        """Return the position of a row of each name, -1 where there is none; of several rows any."""
        if not len(self._sorted):
            return np.full(len(names), -1)
        # in their order each search begins where the one before has warmed the cache
        order = np.argsort(names)
        asked = names[order]
        places = np.minimum(np.searchsorted(self._sorted, asked), len(self._sorted) - 1)
        found = np.empty(len(names), dtype=np.int64)
        found[order] = np.where(self._sorted[places] == asked, self._order[places], -1)
        return found

    @property
    def is_shared(self) -> BoolArray:
        """Whether another row has the same name."""
        is_as_before = np.zeros(len(self._sorted) + 1, dtype=bool)
        is_as_before[1:-1] = self._sorted[1:] == self._sorted[:-1]
        is_shared = np.empty(len(self._sorted), dtype=bool)
        is_shared[self._order] = is_as_before[1:] | is_as_before[:-1]
        return is_shared
