"""In which cell of a grid over the features does a row lie?"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from millrace.domain.batch_rules import Hashes, key_hashes

_NULL = np.iinfo(np.int64).min
_FAR = 2.0**52
"""Cells beyond it are one: whole numbers end there."""


def spreads_of(frame: pd.DataFrame, numbers: Sequence[str]) -> dict[str, float]:
    """Return the standard deviation of each number, 1 where it has none."""
    found = {name: float(pd.to_numeric(frame[name]).astype("float64").std()) for name in numbers}
    return {name: spread if np.isfinite(spread) and spread > 0 else 1.0 for name, spread in found.items()}


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
    rest = pd.DataFrame({name: frame[name] for name in categories}, index=frame.index)
    return key_hashes(rest.assign(**cells), [*categories, *cells])


def _steps(values: "pd.Series[float]", step: float, shift: float) -> npt.NDArray[np.int64]:
    numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    places = np.clip(np.floor(numbers / step + shift), -_FAR, _FAR)
    cells: npt.NDArray[np.int64] = np.where(np.isnan(numbers), 0.0, places).astype(np.int64)
    cells[np.isnan(numbers)] = _NULL
    return cells
