"""How often does each value of a column occur, while there are not too many of them?"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from millrace.adapters.tables.distinct import DistinctEstimate
from millrace.domain.table_scan import MAX_COMMON

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

EXACT_DISTINCT = 5_000
"""So many different values are counted one by one, more are estimated."""
_EXACT_FLOAT = 2.0**53


class ValueCounts:
    """Counts values one by one, gives up where they are many. `to_typed` reads texts as the column's type."""

    def __init__(self, to_typed: Callable[[Any], Any]) -> None:
        self._to_typed = to_typed
        self._counts: pa.Table | None = None
        self._estimate: DistinctEstimate | None = None

    def add(self, present: "pa.Array", typed: "pa.Array | None") -> None:
        """Take values in, none of them null; `typed` has them in their type, None for texts."""
        import pyarrow as pa

        if self._estimate is not None:
            self._estimate.add(_hashable(present if typed is None else typed))
            return
        counted = present.value_counts()
        table = pa.table({"values": counted.field("values"), "counts": counted.field("counts")})
        self._counts = table if self._counts is None else _merge(self._counts, table)
        if self._counts.num_rows > EXACT_DISTINCT:
            self._estimate = DistinctEstimate()
            self._estimate.add(_hashable(self._to_typed(self._counts["values"].combine_chunks())))
            self._counts = None

    def tell(self, words: Counter[str]) -> tuple[tuple[tuple[str, int], ...], int]:
        """Return the commonest values with their counts, none where they are many, and how many differ."""
        if self._estimate is not None:
            return (), self._estimate.count() + len(words)
        counted = self._texts() + words
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ordered[:MAX_COMMON]), len(counted)

    def _texts(self) -> Counter[str]:
        import pyarrow as pa

        counted: Counter[str] = Counter()
        if self._counts is not None:
            texts = self._to_typed(self._counts["values"].combine_chunks()).cast(pa.string()).to_pylist()
            for text, count in zip(texts, self._counts["counts"].to_pylist(), strict=True):
                counted[text] += count  # 1 and 1.0 are one number
        return counted


def _merge(known: "pa.Table", new: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    if known["values"].type != new["values"].type:
        known, new = _as_texts(known), _as_texts(new)
    grouped = pa.concat_tables([known, new]).group_by("values", use_threads=False)
    return grouped.aggregate([("counts", "sum")]).rename_columns(["values", "counts"])


def _as_texts(counts: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    return counts.set_column(0, "values", counts["values"].cast(pa.string()))


def _hashable(values: "pa.Array") -> "np.ndarray[Any, Any]":
    import pyarrow as pa

    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=False)
    # the same number as an integer and as a float is one value
    is_small = numbers.dtype.kind in "iu" and abs(numbers).max() < _EXACT_FLOAT
    return numbers.astype("float64") if is_small else numbers
