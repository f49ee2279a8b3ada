"""Which rows of a batch have the features of other rows, or nearly so?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.batch_rules import Hashes, find_repeats, key_hashes
from millrace.domain.config import ModelConfig
from millrace.domain.poisoning.cells import hash_cells, spreads_of
from millrace.domain.poisoning.duplicates import Copies, Flags
from millrace.steps.known_keys import is_golden

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Grids:
    """Some grids over the features, as wide in each number as the batch is spread in it."""

    spreads: dict[str, float]
    categories: tuple[str, ...]
    width: float
    count: int

    @classmethod
    def over(cls, config: ModelConfig, rows: "pd.DataFrame", width: float, count: int) -> "Grids":
        """Lay them over the numbers of the batch; categories and texts must be equal."""
        features = config.features
        numbers = [name for name in features.numeric if rows[name].dtype != np.bool_]
        others = tuple(name for name in features.names if name not in numbers)
        return cls(spreads_of(rows, numbers), others, width, count)

    def hash(self, rows: "pd.DataFrame") -> list[Hashes]:
        """Hash the cells of rows, in each grid."""
        return [
            hash_cells(rows, self.spreads, self.categories, self.width, number / self.count)
            for number in range(self.count)
        ]


def find_copies(
    config: ModelConfig, rows: "pd.DataFrame", known: Iterable["pd.DataFrame"], grids: Grids
) -> Copies:
    """Flag rows that repeat an earlier row of the batch, or one of the dataset, part by part of it."""
    features = list(config.features.names)
    mine = [key_hashes(rows, features), *grids.hash(rows)]
    flags = [find_repeats(hashes) for hashes in mine]
    for part in known:
        theirs = [key_hashes(part, features), *grids.hash(part)]
        for flag, hashes, others in zip(flags, mine, theirs, strict=True):
            np.logical_or(flag, np.isin(hashes, others), out=flag)
    return Copies(flags[0], np.logical_or.reduce(flags))


def find_golden_copies(
    config: ModelConfig, rows: "pd.DataFrame", known: Iterable["pd.DataFrame"], grids: Grids
) -> Flags | None:
    """Flag rows to learn from in a cell with a golden row; None where there is no golden row at all."""
    mine, golden_here = grids.hash(rows), np.asarray(is_golden(rows, config), dtype=bool)
    flags, count = np.zeros(len(rows), dtype=bool), int(golden_here.sum())
    for hashes in mine:
        flags |= np.isin(hashes, hashes[golden_here])
    for part in known:
        golden = part[np.asarray(is_golden(part, config), dtype=bool)]
        count += len(golden)
        if len(golden):
            flags |= _any_in(mine, grids.hash(golden))
    return flags & ~golden_here if count else None


def _any_in(mine: Sequence[Hashes], theirs: Sequence[Hashes]) -> Flags:
    found = [np.isin(hashes, others) for hashes, others in zip(mine, theirs, strict=True)]
    flags: Flags = np.logical_or.reduce(found)
    return flags
