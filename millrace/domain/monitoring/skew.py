"""Is a row the same when it is asked and when it is trained on, and is its answer?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn
from millrace.domain.facts import Agreement
from millrace.domain.features import Columns, feature_columns
from millrace.domain.rollout.measure import BoolArray

CLOSE = 1e-5
"""Relative: two numbers that a graph sees as float32 are the same although they were computed otherwise."""


@dataclass(frozen=True)
class ComparedInputs:
    """Logged rows that stand in the dataset too: how many have other inputs there, and by column."""

    rows: int
    differing: int
    by_column: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class LeftOut:
    """Why something cannot be compared, as model.toml has it: nothing has broken."""

    reason: str


@dataclass(frozen=True)
class Skew:
    """What came of asking again what was asked: a text says what has broken.

    `agreement` is between the answers of the log and those of the pipeline of training, `inputs` between the
    inputs of the log and those of the dataset, without the `hidden` ones.
    """

    agreement: Agreement | LeftOut | str
    inputs: ComparedInputs | LeftOut | str
    hidden: tuple[str, ...]


def compare_inputs(logged: Columns, known: Columns, inputs: tuple[InputColumn, ...]) -> ComparedInputs:
    """Compare what a pipeline would see of rows that are paired by position.

    Raises
    ------
    MissingColumnsError, UnreadableColumnError
        If a column is not there, or not of its type.
    """
    ours, theirs = feature_columns(logged, inputs), feature_columns(known, inputs)
    differs = {name: _differs(ours[name], theirs[name]) for name in ours}
    rows = len(next(iter(ours.values()), ()))
    any_differs = np.zeros(rows, dtype=bool)
    for one in differs.values():
        any_differs |= one
    counts = {name: int(one.sum()) for name, one in differs.items() if one.any()}
    by_column = tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return ComparedInputs(rows, int(any_differs.sum()), by_column)


def _differs(ours: npt.NDArray[np.generic], theirs: npt.NDArray[np.generic]) -> BoolArray:
    if ours.dtype == object:
        return np.asarray(ours != theirs, dtype=bool)
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    return ~np.isclose(one, other, rtol=CLOSE, atol=CLOSE, equal_nan=True)
