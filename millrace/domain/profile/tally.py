"""How is a window counted block by block, whatever the order of its blocks?"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.domain.features import NULL_TEXT
from millrace.domain.profile.counts import (
    CategoricalCounts,
    Counted,
    DifferentEdgesError,
    NumericCounts,
    Profile,
)
from millrace.domain.profile.edges import as_float32


class NumericTally:
    """Counts of one column, which grow."""

    def __init__(self, reference: NumericCounts) -> None:
        self.reference = reference
        self._edges = as_float32(np.asarray(reference.edges, dtype=np.float64))
        self._counts = np.zeros(len(reference.edges), dtype=np.int64)
        self._exact = np.zeros(len(reference.edges), dtype=np.int64)
        self._below = self._above = self._nulls = self._non_finite = 0

    def add(self, values: npt.NDArray[Any], nulls: int = 0) -> None:
        """Count the values of a block, shape (n_values,), rounded to float32: NaN is null.

        To sort a block and look up the edges among its values costs a tenth of looking up each value among
        the edges: numpy sorts with vector instructions.
        """
        ordered = np.sort(as_float32(values))
        first, last = np.searchsorted(ordered, -np.inf, "right"), np.searchsorted(ordered, np.inf, "left")
        known = np.searchsorted(ordered, np.nan, "left")
        low = np.searchsorted(ordered, self._edges, "left")
        up_to = np.searchsorted(ordered, self._edges, "right")
        lowest, highest = (low[0], up_to[-1]) if len(low) else (first, first)
        self._exact += up_to - low
        self._counts += np.diff(up_to, prepend=lowest)
        self._below += int(lowest - first)
        self._above += int(last - highest)
        self._non_finite += int(known - (last - first))
        self._nulls += int(len(values) - known) + nulls

    def merge(self, other: "NumericTally") -> None:
        """Add what another tally of the same column has counted."""
        if self.reference.edges != other.reference.edges:
            raise DifferentEdgesError(self.reference.name)
        self._counts += other._counts
        self._exact += other._exact
        self._below += other._below
        self._above += other._above
        self._non_finite += other._non_finite
        self._nulls += other._nulls

    @property
    def counted(self) -> NumericCounts:
        """What was counted so far."""
        return NumericCounts(
            name=self.reference.name,
            edges=self.reference.edges,
            counts=tuple(self._counts.tolist()),
            exact=tuple(self._exact.tolist()),
            below=self._below,
            above=self._above,
            nulls=self._nulls,
            non_finite=self._non_finite,
        )


class CategoricalTally:
    """Counts of one column's categories, which grow."""

    def __init__(self, reference: CategoricalCounts) -> None:
        self.reference = reference
        self._places = {name: place for place, name in enumerate(reference.categories)}
        self._places[NULL_TEXT] = len(self._places)
        self._counts = np.zeros(len(self._places) + 1, dtype=np.int64)  # categories, null, others

    @property
    def known(self) -> tuple[str, ...]:
        """The texts that are counted each by itself."""
        return tuple(self._places)

    def add(self, texts: Sequence[str], counts: Sequence[int], others: int = 0) -> None:
        """Count texts of `text_values`, each as often as it was found, and `others` that are not `known`."""
        places = [self._places.get(text, len(self._places)) for text in texts]
        np.add.at(self._counts, places, counts)
        self._counts[-1] += others

    def merge(self, other: "CategoricalTally") -> None:
        """Add what another tally of the same column has counted."""
        if self.reference.categories != other.reference.categories:
            raise DifferentEdgesError(self.reference.name)
        self._counts += other._counts

    @property
    def counted(self) -> CategoricalCounts:
        """What was counted so far."""
        *counts, nulls, other = self._counts.tolist()
        return CategoricalCounts(self.reference.name, self.reference.categories, tuple(counts), other, nulls)


class Tally:
    """Counts of the columns of a reference, which grow. It can be sent to other processes, and back.

    `missing` says in how many rows a column was not there, `unreadable` why it cannot be counted. `extra` are
    columns that the reference does not have, where somebody looks for them: see `Counted`.
    """

    def __init__(self, reference: Profile) -> None:
        self.rows = 0
        self.numeric = {one.name: NumericTally(one) for one in reference.numeric}
        self.categorical = {one.name: CategoricalTally(one) for one in reference.categorical}
        self.missing: Counter[str] = Counter()
        self.unreadable: dict[str, str] = {}
        self.extra: set[str] = set()

    def add_nulls(self, name: str, rows: int) -> None:
        """Count so many rows in which a column has no value."""
        if name in self.numeric:
            self.numeric[name].add(np.empty(0), rows)
        else:
            self.categorical[name].add([NULL_TEXT], [rows])

    def merge(self, other: "Tally") -> None:
        """Add what another tally has counted, of the same columns or some of them."""
        self.rows += other.rows
        for name, numbers in other.numeric.items():
            self.numeric[name].merge(numbers)
        for name, texts in other.categorical.items():
            self.categorical[name].merge(texts)
        self.missing += other.missing
        self.unreadable = other.unreadable | self.unreadable
        self.extra |= other.extra

    @property
    def profile(self) -> Profile:
        """What was counted so far, of all columns."""
        return Profile(
            self.rows,
            tuple(one.counted for one in self.numeric.values()),
            tuple(one.counted for one in self.categorical.values()),
        )

    @property
    def counted(self) -> Counted:
        """What was counted so far, of those columns that every row had."""
        profile, missing = self.profile, +self.missing  # in some rows, not in none
        whole = frozenset(profile.names) - {*missing, *self.unreadable}
        return Counted(profile.of(whole), dict(missing), dict(self.unreadable), tuple(sorted(self.extra)))
