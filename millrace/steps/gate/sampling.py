"""On which rows is measured what takes long?"""

import numpy as np

from millrace.domain.blocks import sample_blocks
from millrace.domain.losses import IntArray, StrArray
from millrace.steps.rows import LabelledRows

MOST_BLOCKS = 60
"""Beyond it neighbouring blocks count as one: so many give an interval, and a round costs their square."""


def sample_rows(rows: LabelledRows, most: int, min_blocks: int) -> LabelledRows:
    """Choose whole blocks until they hold `most` rows, `min_blocks` at least; still too many are thinned.

    The same rows of the same blocks, whoever asks.
    """
    if len(rows.labels) <= most:
        return rows
    names, sizes = np.unique(rows.blocks, return_counts=True)
    by_name = dict(zip(names.tolist(), sizes.tolist(), strict=True))
    chosen = sample_blocks(by_name, most, "gate")
    if len(chosen) < min_blocks:
        largest = max(by_name.values())
        chosen = sample_blocks(by_name, largest * min_blocks, "gate")
    found = rows.in_blocks(chosen)
    if len(found.labels) <= 2 * most:
        return found
    kept = np.linspace(0, len(found.labels) - 1, most).astype(np.intp)
    return LabelledRows(found.frame.iloc[kept], found.labels[kept], found.blocks[kept])


def merge_blocks(blocks: StrArray) -> IntArray:
    """Return the place of each row's block, where too many merge with their neighbours; shape (n_rows,)."""
    names, places = np.unique(blocks, return_inverse=True)
    return np.asarray(places * min(MOST_BLOCKS, names.size) // names.size, dtype=np.intp)
