"""Is there a row nearby that is decided otherwise? A search that sees only answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from millrace.domain.bundle import InputColumn
from millrace.domain.features import number_values
from millrace.domain.kinds import ColumnType
from millrace.domain.losses import FloatArray

if TYPE_CHECKING:
    import pandas as pd

BoolArray = npt.NDArray[np.bool_]
Ask = Callable[["pd.DataFrame"], FloatArray]


@dataclass(frozen=True)
class Decision:
    """When is an answer another decision than the first one, and how near is it to that?

    Two classes are decided at `threshold`, several by the likeliest, and a number is another one once it has
    moved by `shift`.
    """

    threshold: float | None = None
    shift: float | None = None

    def nearness(self, answers: FloatArray, first: FloatArray) -> FloatArray:
        """Return how near each answer is to another decision, shape (n_rows,): larger is nearer."""
        if answers.ndim > 1:
            rows, own = np.arange(len(answers)), first.argmax(axis=1)
            others = answers.copy()
            others[rows, own] = -np.inf
            nearest: FloatArray = others.max(axis=1) - answers[rows, own]
            return nearest
        if self.threshold is not None:
            return np.where(first >= self.threshold, self.threshold - answers, answers - self.threshold)
        return np.abs(answers - first)

    def is_another(self, answers: FloatArray, first: FloatArray) -> BoolArray:
        """Say which rows are decided otherwise, shape (n_rows,)."""
        if answers.ndim > 1:
            return np.asarray(answers.argmax(axis=1) != first.argmax(axis=1))
        if self.threshold is not None:
            return np.asarray((answers >= self.threshold) != (first >= self.threshold))
        return np.asarray(np.abs(answers - first) >= (np.inf if self.shift is None else self.shift))


@dataclass(frozen=True, eq=False)
class Box:
    """How far the numbers of each row may be moved; shapes (n_rows, n_columns), NaN where null."""

    columns: tuple[InputColumn, ...]
    values: FloatArray
    low: FloatArray
    high: FloatArray


def make_box(frame: "pd.DataFrame", columns: Sequence[InputColumn], reach: Sequence[float]) -> Box:
    """Lay a box around each row: so far to either side, within the contract, whole where it has to be."""
    values = np.stack([number_values(frame[one.name], one.name) for one in columns], axis=1)
    low, high = values - np.asarray(reach), values + np.asarray(reach)
    for at, column in enumerate(columns):
        if column.type is ColumnType.INT:
            low[:, at], high[:, at] = np.ceil(low[:, at]), np.floor(high[:, at])
        if column.min is not None:
            low[:, at] = np.maximum(low[:, at], np.minimum(column.min, values[:, at]))
        if column.max is not None:
            high[:, at] = np.minimum(high[:, at], np.maximum(column.max, values[:, at]))
    return Box(tuple(columns), values, low, high)


def find_flips(  # noqa: PLR0913 - who is asked about what, and how often
    ask: Ask,
    frame: "pd.DataFrame",
    box: Box,
    decision: Decision,
    *,
    queries: int,
    seed: int,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> BoolArray:
    """Search for each row, asking at most `queries` times, one of its box that is decided otherwise.

    One number of a row is moved at a time, and stays moved where that brings the answer nearer to another
    decision: first each to both ends of the box, in an order of its own for each row, then to a place
    within, and so on in turns. What it finds is there; what it does not find may be there all the same, so
    the share of rows with a find is a lower bound of what can be found.

    Returns
    -------
    shape (n_rows,)
        Whether one was found.

    References
    ----------
    The search by single coordinates is after Guo et al., *Simple Black-box Adversarial Attacks* (ICML 2019),
    here with the box as its step, since features have units and bounds of their own.
    """
    source = np.random.default_rng(seed)
    current, first = box.values.copy(), ask(frame)
    nearest, found = decision.nearness(first, first), np.zeros(len(frame), dtype=np.bool_)
    moves = 2 * len(box.columns)
    for query in range(queries):
        cycle, move = divmod(query, moves)
        if move == 0:
            order = source.permuted(np.tile(np.arange(moves), (len(frame), 1)), axis=1)
        rows = np.flatnonzero(~found)
        if not rows.size:
            break
        tried = _moved(box, current, rows, order[rows, move], is_end=cycle % 2 == 0, source=source)
        answers = ask(_with_numbers(frame, box, rows, tried))
        nearness = decision.nearness(answers, first[rows])
        found[rows] = decision.is_another(answers, first[rows])
        better = nearness > nearest[rows]
        current[rows[better]], nearest[rows[better]] = tried[better], nearness[better]
        told(query + 1, queries)
    return found


def _moved(
    box: Box,
    current: FloatArray,
    rows: npt.NDArray[np.intp],
    chosen: npt.NDArray[np.intp],
    *,
    is_end: bool,
    source: np.random.Generator,
) -> FloatArray:
    at, is_high = chosen // 2, chosen % 2
    low, high = box.low[rows, at], box.high[rows, at]
    place = is_high if is_end else source.random(rows.size)
    goal = low + place * (high - low)
    is_whole = np.array([column.type is ColumnType.INT for column in box.columns])[at]
    tried = current[rows].copy()
    tried[np.arange(rows.size), at] = np.where(is_whole, np.round(goal), goal)
    return tried


def _with_numbers(
    frame: "pd.DataFrame", box: Box, rows: npt.NDArray[np.intp], numbers: FloatArray
) -> "pd.DataFrame":
    named = {column.name: numbers[:, at] for at, column in enumerate(box.columns)}
    return frame.iloc[rows].assign(**named)
