"""In which cell of a grid over the features does a row lie?"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.domain.batch_rules import Hashes, key_hashes
from millrace.errors import MillraceError

_NULL = np.iinfo(np.int64).min
_FAR = 2.0**52
"""Cells beyond it are one: whole numbers end there."""

_TAIL = 0.01
"""This share of the numbers on either side says nothing of their spread: a few rows must not set the grid."""


class EndlessSpreadError(MillraceError):
    """The numbers of a column lie so far apart that there is no grid over them."""

    def __init__(self, column: str) -> None:
        self.column = column
        super().__init__(
            f"{column}: its values have no finite spread, and so no grid to look for copies in. "
            "Give the column a min and a max in [contract.columns]"
        )


def spreads_of(frame: pd.DataFrame, numbers: Sequence[str]) -> dict[str, float]:
    """Return the standard deviation of each number, its tails cut; 1 where all its values are one.

    Raises
    ------
    EndlessSpreadError
        If a standard deviation is not finite.
    """
    return {name: _spread_of(name, frame[name]) for name in numbers}


def _spread_of(name: str, column: "pd.Series[float]") -> float:
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    values = values[~np.isnan(values)]
    if values.size == 0 or values.min() == values.max():
        return 1.0
    low, high = (
        np.quantile(values, _TAIL, method="higher"), np.quantile(values, 1.0 - _TAIL, method="lower")
    )  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.clip(values, low, high).std() or values.std())
    if not np.isfinite(spread):
        raise EndlessSpreadError(name)
    return spread or 1.0


def hash_cells(
    frame: pd.DataFrame, spreads: Mapping[str, float], categories: Sequence[str], width: float, shift: float
) -> Hashes:
    """Hash the cell of each row: numbers are cut into steps of `width` spreads, all else must be equal.

    Parameters
    ----------
    shift : in [0, 1)
        By how much of a step the grid is moved.

    Returns
    -------
    shape (n_rows,)
        Rows of one cell have one hash.
    """
    cells = {name: _steps(frame[name], spread * width, shift) for name, spread in spreads.items()}
    columns = {name: frame[name] for name in categories} | cells
    return key_hashes(pd.DataFrame(columns, index=frame.index), list(columns))


def _steps(values: "pd.Series[float]", step: float, shift: float) -> npt.NDArray[np.int64]:
    numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    places = np.clip(np.floor(numbers / step + shift), -_FAR, _FAR)
    cells: npt.NDArray[np.int64] = np.where(np.isnan(numbers), 0.0, places).astype(np.int64)
    cells[np.isnan(numbers)] = _NULL
    return cells
