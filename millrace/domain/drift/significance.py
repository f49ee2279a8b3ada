"""How likely is it that a column differs as much as it does by accident?"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from millrace.domain.drift.pieces import Floats
from millrace.domain.drift.recount import Counts
from millrace.domain.profile import CategoricalCounts, NumericCounts

CELLS = 20
"""Numbers are counted in so many cells of equal mass in the reference; so many single values one by one."""

MIN_EXPECTED = 5.0
"""What a cell is to hold in the smaller window for the chi-square distribution to fit (Cochran 1954)."""


def chance_of(reference: Counts, current: Counts) -> float | None:
    """Return how likely counts as different as these are if both windows are of one distribution.

    A chi-square test of homogeneity over the values of both, counted over the same edges or categories; nulls
    and infinite values, which no distance sees, are judged by rule. Rows count as independent. Those of one
    day are alike, which makes a chance look smaller than it is: that is why a column has drifted only if its
    distance reaches the threshold as well.

    Returns
    -------
    The chance, between 0 and 1; None where less than two cells hold enough to compare.

    References
    ----------
    Cochran, *Some methods for strengthening the common chi-square tests*, Biometrics 10 (1954).
    """
    from scipy.stats import chi2_contingency

    table = _merged(_cells(reference, current))
    return None if table.shape[1] < 2 else float(chi2_contingency(table).pvalue)  # noqa: PLR2004 - see above


def adjusted_chances(chances: Mapping[str, float]) -> dict[str, float]:
    """Adjust the chances of all columns for their number.

    By Benjamini and Hochberg: where nothing has drifted, one of the columns looks as if it had in at most
    `1 - confidence` of the windows, as by Holm; where some have, fewer of the others are missed.

    References
    ----------
    Benjamini and Hochberg, *Controlling the false discovery rate*, JRSS B 57 (1995).
    """
    from scipy.stats import false_discovery_control

    if not chances:
        return {}
    adjusted = false_discovery_control([*chances.values()], method="bh")
    return dict(zip(chances, adjusted.tolist(), strict=True))


def _cells(reference: Counts, current: Counts) -> Floats:
    """Return counts of shape (2, n_cells)."""
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        places = _places(reference)
        return np.array([_numbers_between(places, column) for column in (reference, current)])
    if isinstance(reference, CategoricalCounts) and isinstance(current, CategoricalCounts):
        frequent_first = np.argsort(-np.array(reference.counts), kind="stable")
        columns = [np.append(np.array(one.counts)[frequent_first], one.other) for one in (reference, current)]
        return np.array(columns, dtype=np.float64)
    raise TypeError(f"{reference.name} is {type(current).__name__} now, needed is {type(reference).__name__}")


def _places(reference: NumericCounts) -> npt.NDArray[np.intp]:
    """Choose edges between which there is about equally much of the reference."""
    if len(reference.edges) <= CELLS:
        return np.arange(len(reference.edges))
    up_to = np.cumsum(reference.counts)
    return np.unique(np.searchsorted(up_to, np.arange(1, CELLS + 1) / CELLS * up_to[-1]))


def _numbers_between(places: npt.NDArray[np.intp], column: NumericCounts) -> Floats:
    """Count up to and with each of the edges, and apart from that what is beyond all."""
    up_to = np.cumsum(column.counts, dtype=np.float64)
    between = np.diff(up_to[places], prepend=0.0)
    return np.array([column.below, *between, up_to[-1] - up_to[places[-1]] + column.above])


def _merged(table: Floats) -> Floats:
    """Merge neighbouring cells until each is to be expected to hold `MIN_EXPECTED` in both windows."""
    totals = table.sum(axis=1)
    expected = table.sum(axis=0) * totals.min() / totals.sum()
    groups: list[npt.NDArray[np.float64]] = []
    open_cells, held = np.zeros(2), 0.0
    for cell, mass in zip(table.T, expected, strict=True):
        open_cells, held = open_cells + cell, held + float(mass)
        if held >= MIN_EXPECTED:
            groups.append(open_cells)
            open_cells, held = np.zeros(2), 0.0
    if groups:
        groups[-1] = groups[-1] + open_cells
    return np.array(groups).T if groups else np.zeros((2, 0))
