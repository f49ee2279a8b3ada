"""A search for a row that is decided otherwise finds it where it is, and stays in its box."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.domain.attack import Decision, find_flips, make_box
from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType

X, Y = (InputColumn(name, ColumnType.FLOAT, True, min=-10.0, max=10.0) for name in "xy")
WHOLE = InputColumn("n", ColumnType.INT, False, min=0)
HALF = Decision(threshold=0.5)


def plane(rows: Any) -> np.ndarray:
    """Answer a half where x + y is 0."""
    return 1.0 / (1.0 + np.exp(-(rows["x"] + rows["y"]).to_numpy(dtype=float)))


def flips(frame: pd.DataFrame, reach: float, queries: int = 40, ask: Any = plane) -> np.ndarray:
    return find_flips(ask, frame, make_box(frame, [X, Y], [reach, reach]), HALF, queries=queries, seed=0)


def test_exactly_what_a_box_reaches_is_found() -> None:
    """Two coordinates of reach 1 move a sum by 2."""
    frame = pd.DataFrame({"x": [0.5, 1.5, 1.9, 2.1, -1.0, -2.5], "y": [0.1, 0.1, 0.0, 0.0, 0.0, 0.0]})
    assert flips(frame, 1.0).tolist() == [True, True, True, False, True, False]


@given(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=8), st.floats(0.0, 2.0))
@settings(max_examples=40, deadline=None)
def test_nothing_is_found_that_is_not_there(xs: list[float], reach: float) -> None:
    frame = pd.DataFrame({"x": xs, "y": 0.0})
    found = flips(frame, reach)
    can_be = np.abs(frame["x"]) <= 2.0 * reach + 1e-9
    assert not (found & ~can_be).any()


@given(st.integers(0, 30))
@settings(max_examples=20, deadline=None)
def test_more_queries_never_find_less(queries: int) -> None:
    frame = pd.DataFrame({"x": np.linspace(-3.0, 3.0, 25), "y": np.linspace(1.0, -2.0, 25)})
    fewer, more = (flips(frame, 1.0, asked) for asked in (queries, queries + 5))
    assert not (fewer & ~more).any()


def test_without_a_query_nothing_is_found() -> None:
    assert not flips(pd.DataFrame({"x": [0.01], "y": [0.0]}), 1.0, 0).any()


def test_every_row_that_is_asked_about_keeps_its_box_and_its_contract() -> None:
    frame = pd.DataFrame({"x": [9.5, np.nan, 3.0], "n": [0, 4, 7]})
    seen = []

    def ask(rows: pd.DataFrame) -> np.ndarray:
        seen.append(rows.assign(row=rows.index))
        return np.zeros(len(rows))

    box = make_box(frame, [X, WHOLE], [1.0, 2.5])
    find_flips(ask, frame, box, HALF, queries=60, seed=0)
    told = pd.concat(seen)
    for at, row in frame.iterrows():
        mine = told[told["row"] == at]
        assert mine["x"].isna().all() if np.isnan(row["x"]) else mine["x"].between(row["x"] - 1.0, 10.0).all()
        assert set(mine["n"]) <= set(range(max(0, int(row["n"]) - 2), int(row["n"]) + 3))
    assert told["n"].nunique() > 3


def test_what_lies_within_the_box_is_found_too() -> None:
    """A strip that no end of the box touches."""
    frame = pd.DataFrame({"x": [0.0], "y": [0.0]})

    def strip(rows: pd.DataFrame) -> np.ndarray:
        return rows["x"].between(0.3, 0.6).to_numpy().astype(float)

    assert flips(frame, 1.0, 100, strip).all()


@pytest.mark.parametrize(
    ("decision", "first", "answers", "another"),
    [
        (HALF, [0.5, 0.4], [0.49, 0.5], [True, True]),
        (HALF, [0.5, 0.4], [0.9, 0.0], [False, False]),
        (Decision(shift=2.0), [1.0, 1.0], [3.0, 2.9], [True, False]),
        (Decision(), [[0.6, 0.4], [0.3, 0.7]], [[0.4, 0.6], [0.4, 0.6]], [True, False]),
    ],
)
def test_another_decision_is_the_other_class_or_a_number_far_off(
    decision: Decision, first: Any, answers: Any, another: list[bool]
) -> None:
    first, answers = np.array(first), np.array(answers)
    assert decision.is_another(answers, first).tolist() == another
    nearness = decision.nearness(answers, first)
    assert (nearness[np.array(another)] >= 0.0).all()


def test_the_same_seed_finds_the_same() -> None:
    frame = pd.DataFrame({"x": np.linspace(-3.0, 3.0, 40), "y": 0.3})
    assert (flips(frame, 1.0, 7) == flips(frame, 1.0, 7)).all()
