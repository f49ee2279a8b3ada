"""Windows of known rows: as many as asked, by 16 numbers and 4 words, and what they are compared with."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.domain.kinds import ColumnType
from millrace.domain.profile import Profile
from millrace.domain.profile.edges import frequent_categories, numeric_edges

GROUP_ROWS = 1 << 20
"""As pyarrow makes row groups where nobody says otherwise."""
REFERENCE_ROWS = 100_000
NULL_SHARE = 0.1

WORDS = {"word_5": 5, "word_20": 20, "word_50": 50, "word_100": 100}
"""How many categories each has."""
TYPES = dict.fromkeys(WORDS, ColumnType.STRING)

_KINDS = ("light", "light", "skewed", "sparse", "counts", "light", "light", "half")


def columns_of(rows: int, seed: int, numbers: int = 16) -> dict[str, pa.Array]:
    """Return columns: light and heavy tails, nulls, whole numbers, single precision, words."""
    random = np.random.default_rng(seed)
    columns = {
        f"number_{place}": _numbers(random, _KINDS[place % len(_KINDS)], rows) for place in range(numbers)
    }
    return columns | {name: _words(random, count, rows) for name, count in WORDS.items()}


def write_window(path: Path, rows: int, seed: int, numbers: int = 16) -> Path:
    """Write rows as one file, in row groups of which one at a time is in memory."""
    schema = pa.table(columns_of(1, seed, numbers)).schema
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP_ROWS):
            table = pa.table(columns_of(min(GROUP_ROWS, rows - start), seed + start, numbers))
            writer.write_table(table, row_group_size=GROUP_ROWS)
    return path


def reference_of(numbers: int = 16) -> Profile:
    """Return edges and categories as training chooses them, with nothing counted."""
    columns = columns_of(REFERENCE_ROWS, seed=1, numbers=numbers)
    values = {name: column for name, column in columns.items() if name not in WORDS}
    return Profile(
        0,
        tuple(numeric_edges(name, column.to_numpy(zero_copy_only=False)) for name, column in values.items()),
        tuple(frequent_categories(name, np.array(columns[name].to_pylist(), object)) for name in WORDS),
    )


def _numbers(random: np.random.Generator, kind: str, rows: int) -> pa.Array:
    values: Any = random.normal(size=rows)
    match kind:
        case "skewed":
            return pa.array(np.exp(values))
        case "sparse":
            return pa.array(values, mask=random.random(rows) < NULL_SHARE)
        case "counts":
            return pa.array(random.integers(0, 5_000, rows))
        case "half":
            return pa.array(values.astype(np.float32))
        case _:
            return pa.array(values)


def _words(random: np.random.Generator, count: int, rows: int) -> pa.Array:
    names = pa.array([f"category {place}" for place in range(count)])
    codes = pa.array(random.integers(0, count, rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
