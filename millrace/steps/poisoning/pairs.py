"""Which pairs of values of a batch carry one label, and how often does the dataset have them?"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.domain.batch_rules import MAX_EXAMPLES
from millrace.domain.blocks import name_blocks
from millrace.domain.config import ModelConfig
from millrace.domain.config.poisoning import TriggersCheck
from millrace.domain.features import text_values
from millrace.domain.kinds import Task
from millrace.domain.poisoning.triggers import Pair

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """The pairs of one label, of the so many that were looked at; the rows compared, the batch's blocks."""

    found: tuple[Pair, ...]
    compared: int
    batch_rows: int
    known_rows: int
    blocks: int = 0


@dataclass(eq=False)
class _Candidates:
    """The pairs of two columns that have one label, as codes of both, and how often the dataset has each."""

    columns: tuple[str, str]
    width: int
    codes: Ints
    known: Ints

    def add(self, coded: dict[str, Ints]) -> None:
        both = _combine(coded, self.columns, self.width)
        both = both[both >= 0]
        places = np.searchsorted(self.codes, both)
        places[places == self.codes.size] = 0
        hits = places[self.codes[places] == both]
        self.known += np.bincount(hits, minlength=self.codes.size)


def find_pairs(
    config: ModelConfig, rows: "pd.DataFrame", known: Iterable["pd.DataFrame"], policy: TriggersCheck
) -> Pairs | None:
    """List pairs with enough rows of one label in enough blocks, far more frequent than in the dataset.

    None for a regression: its labels are no few values that all rows of a pair could share.
    """
    if config.model.task is Task.REGRESSION:
        return None
    places = np.flatnonzero(rows[config.data.target].notna())
    labelled = rows.iloc[places]
    if not places.size:
        return Pairs((), 0, 0, 0)
    counted = _read_labelled(config, labelled, places)
    values = {name: _frequent(labelled[name], policy.min_rows) for name in policy.columns}
    coded = {name: _code(labelled[name], values[name]) for name in policy.columns}
    candidates, compared = [], 0
    for columns in combinations(policy.columns, 2):
        width = max(1, len(values[columns[1]]))
        both = _combine(coded, columns, width)
        codes, count = _pure(both, counted.labels, len(counted.names), policy)
        compared += count
        if codes.size:
            candidates.append(_Candidates(columns, width, codes, np.zeros(codes.size, dtype=np.int64)))
    known_rows = 0
    for part in known:
        known_rows += len(part)
        theirs = {name: _code(part[name], values[name]) for name in policy.columns}
        for one in candidates:
            one.add(theirs)
    found: list[Pair] = []
    for one in candidates:
        found += _list_rare(one, coded, values, counted, known_rows, policy)
    return Pairs(tuple(found), compared, len(labelled), known_rows, np.unique(counted.blocks).size)


def _list_rare(
    one: "_Candidates",
    coded: dict[str, Ints],
    values: "dict[str, pd.Index[str]]",
    counted: "_Labelled",
    known_rows: int,
    policy: TriggersCheck,
) -> list[Pair]:
    both, found = _combine(coded, one.columns, one.width), []
    first, second = (values[name] for name in one.columns)
    sizes = np.bincount(np.searchsorted(one.codes, both[np.isin(both, one.codes)]), minlength=one.codes.size)
    is_rare = sizes * (known_rows + 1) >= policy.min_ratio * (one.known + 1) * both.size
    for code, times in zip(one.codes[is_rare].tolist(), one.known[is_rare].tolist(), strict=True):
        members = both == code
        if np.unique(counted.blocks[members]).size >= policy.min_blocks:
            shown = (str(first[code // one.width]), str(second[code % one.width]))
            found.append(counted.pair(one.columns, shown, members, times))
    return found


def _read_labelled(
    config: ModelConfig, labelled: "pd.DataFrame", places: npt.NDArray[np.intp]
) -> "_Labelled":
    target = config.data.target
    texts = text_values(labelled[target], target, config.contract.columns[target].type).astype(np.str_)
    names, codes = np.unique(texts, return_inverse=True)
    _, blocks = np.unique(name_blocks(labelled, config), return_inverse=True)
    return _Labelled(names.tolist(), codes.astype(np.int64), blocks.astype(np.int64), places)


def _frequent(values: "pd.Series[str]", rows: int) -> "pd.Index[str]":
    counts = values.value_counts(dropna=True)
    return counts[counts >= rows].index


def _code(values: "pd.Series[str]", frequent: "pd.Index[str]") -> Ints:
    import pandas as pd

    return np.asarray(frequent.get_indexer(pd.Index(values)), dtype=np.int64)


def _combine(coded: dict[str, Ints], columns: tuple[str, str], width: int) -> Ints:
    one, other = (coded[name] for name in columns)
    return np.where((one >= 0) & (other >= 0), one * width + other, -1)


def _pure(both: Ints, labels: Ints, classes: int, policy: TriggersCheck) -> tuple[Ints, int]:
    """Return the codes of pairs with enough rows of one label, and of how many pairs they are."""
    here = both >= 0
    codes, inverse, counts = np.unique(both[here], return_inverse=True, return_counts=True)
    if not codes.size:
        return codes, 0
    each = np.bincount(inverse * classes + labels[here], minlength=codes.size * classes)
    most = each.reshape(codes.size, classes).max(axis=1)
    is_large = counts >= policy.min_rows
    return codes[is_large & (most >= policy.purity * counts)], int(is_large.sum())


@dataclass(frozen=True, eq=False)
class _Labelled:
    """The labelled rows of the batch: their labels as places in `names`, their blocks, where they stand."""

    names: list[str]
    labels: Ints
    blocks: Ints
    places: npt.NDArray[np.intp]

    def pair(
        self, columns: tuple[str, str], values: tuple[str, str], members: npt.NDArray[np.bool_], known: int
    ) -> Pair:
        """Count one pair, and what its label has among the other rows of its blocks."""
        counts = np.bincount(self.labels[members], minlength=len(self.names))
        label = int(counts.argmax())
        return Pair(
            columns=columns,
            values=values,
            label=self.names[label],
            rows=int(members.sum()),
            pure=int(counts[label]),
            expected=self._expect(members, self.labels == label),
            known=known,
            blocks=int(np.unique(self.blocks[members]).size),
            first=tuple(self.places[np.flatnonzero(members)[:MAX_EXAMPLES]].tolist()),
        )

    def _expect(self, members: npt.NDArray[np.bool_], has_label: npt.NDArray[np.bool_]) -> float:
        others, count = ~members, int(self.blocks.max()) + 1
        overall = float(has_label[others].mean()) if others.any() else 1.0
        near = np.bincount(self.blocks[others], minlength=count)
        pure = np.bincount(self.blocks[others], has_label[others], minlength=count)
        # one row more than there are, as usual as all: a block of the pair alone says nothing
        return float(((pure + overall) / (near + 1.0))[self.blocks[members]].mean())
