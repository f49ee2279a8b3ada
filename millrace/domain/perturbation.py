"""How does a row look that is a little otherwise?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn
from millrace.domain.features import number_values
from millrace.domain.kinds import ColumnType
from millrace.domain.losses import FloatArray

if TYPE_CHECKING:
    import pandas as pd

UNSEEN = "never seen before"

NORMAL_QUARTILES = 1.349
"""So many standard deviations are the two quartiles of a normal distribution apart."""

LARGEST = float(np.finfo(np.float32).max)
"""What a graph can be told at most; twice that is no number to it."""


def is_quantity(column: InputColumn) -> bool:
    """Whether it counts how large a value is."""
    return not column.is_text and column.type in {ColumnType.INT, ColumnType.FLOAT}


def may_be_unseen(column: InputColumn) -> bool:
    """Whether a value that nobody has seen keeps the contract: a closed list of categories has none."""
    is_open = column.categorical and column.categories is None
    return is_open and column.type in {ColumnType.STRING, ColumnType.INT}


def spread_of(values: FloatArray) -> float:
    """Return how far values are apart, as a standard deviation; 0 where they are all the same.

    By the quartiles, which a few odd values do not move; where half of all are the same, by all of them.

    >>> round(spread_of(np.array([*np.arange(101.0), 1e9])), 1), spread_of(np.array([7.0, np.nan]))
    (37.4, 0.0)
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0
    low, high = np.quantile(finite, [0.25, 0.75])
    return float((high - low) / NORMAL_QUARTILES if high > low else finite.std())


def hold(values: FloatArray, column: InputColumn) -> FloatArray:
    """Keep numbers within the bounds of their contract, and whole where they have to be; NaN stays."""
    low = -LARGEST if column.min is None else column.min
    high = LARGEST if column.max is None else column.max
    whole = np.round(values) if column.type is ColumnType.INT else values
    return np.clip(whole, low, high)


def add_noise(
    frame: "pd.DataFrame", columns: Sequence[InputColumn], share: float, seed: int
) -> "pd.DataFrame":
    """Move each number by normal noise of `share` of its column's spread; what is null stays null."""
    source = np.random.default_rng(seed)
    moved = {}
    for column in columns:
        values = number_values(frame[column.name], column.name)
        moved[column.name] = hold(
            values + share * spread_of(values) * source.standard_normal(values.size), column
        )
    return frame.assign(**moved)


def blank(frame: "pd.DataFrame", columns: Sequence[InputColumn], share: float, seed: int) -> "pd.DataFrame":
    """Take away `share` of the values of each column."""
    source = np.random.default_rng(seed)
    return frame.assign(
        **{column.name: frame[column.name].mask(_chosen(frame, share, source)) for column in columns}
    )


def make_unseen(
    frame: "pd.DataFrame", columns: Sequence[InputColumn], share: float, seed: int
) -> "pd.DataFrame":
    """Put a category that is not there in the place of `share` of the values of each column."""
    source = np.random.default_rng(seed)
    return frame.assign(
        **{
            column.name: frame[column.name].mask(
                _chosen(frame, share, source), _unseen(frame[column.name], column)
            )
            for column in columns
        }
    )


def extreme_values(column: InputColumn) -> tuple[float, ...]:
    """Return the outermost numbers of the contract, each once.

    Without a bound they are what float32 holds, and twice that.
    """
    low = (-2.0 * LARGEST, -LARGEST) if column.min is None else (column.min,)
    high = (LARGEST, 2.0 * LARGEST) if column.max is None else (column.max,)
    return tuple(dict.fromkeys((*low, *high)))


def usual_steps(values: FloatArray, column: InputColumn, steps: int) -> FloatArray:
    """Return rising values of a column, from its first percentile to its last: at most `steps` + 1."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.empty(0)
    return np.unique(hold(np.quantile(finite, np.linspace(0.01, 0.99, steps + 1)), column))


def _chosen(frame: "pd.DataFrame", share: float, source: np.random.Generator) -> npt.NDArray[np.bool_]:
    chosen: npt.NDArray[np.bool_] = source.random(len(frame)) < share
    return chosen


def _unseen(values: "pd.Series[Any]", column: InputColumn) -> str | int:
    seen = set(values.dropna().unique().tolist())
    if column.type is ColumnType.STRING:
        text = UNSEEN
        while text in seen:
            text += "?"
        return text
    above, below = int(max(seen, default=0)) + 1, int(min(seen, default=0)) - 1
    return above if column.max is None or above <= column.max else below
