"""Where on the number line does the mass of a counted column lie?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.profile import NumericCounts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """Pieces of mass in rising order, none of them empty, each spread evenly over `(low, high)`.

    Where `low` equals `high` all of a piece is at that value.
    """

    low: Floats
    high: Floats
    mass: Floats

    @property
    def total(self) -> float:
        """The number of values."""
        return float(self.mass.sum())

    @property
    def middle(self) -> Floats:
        """The middle of each piece."""
        return self.low + (self.high - self.low) / 2

    @property
    def is_discrete(self) -> bool:
        """Whether every piece is one value."""
        return bool(np.array_equal(self.low, self.high))

    def count_below(self, values: Floats) -> Floats:
        """Count what is smaller than each of `values`, shape (n_values,)."""
        ends = np.concatenate([[0.0], np.cumsum(self.mass)])
        whole = np.searchsorted(self.high, values, side="left")
        last = np.minimum(whole, len(self.mass) - 1)
        inside = (whole < len(self.mass)) & (self.low[last] < values)
        width = np.where(inside, self.high[last] - self.low[last], 1.0)
        share = np.where(inside, (values - self.low[last]) / width, 0.0)
        counted: Floats = ends[whole] + share * self.mass[last]
        return counted


def pieces_of(column: NumericCounts) -> Pieces:
    """Return the values of a column between its edges, what lies beyond them clipped to the outer ones."""
    edges = np.asarray(column.edges, dtype=np.float64)
    exact = np.asarray(column.exact, dtype=np.float64)
    between = np.asarray(column.counts, dtype=np.float64) - exact
    exact[0] += column.below
    exact[-1] += column.above
    low = np.column_stack([np.concatenate([edges[:1], edges[:-1]]), edges]).ravel()
    high = np.repeat(edges, 2)
    mass = np.column_stack([between, exact]).ravel()
    return Pieces(low[mass > 0], high[mass > 0], mass[mass > 0])
