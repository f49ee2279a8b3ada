"""A single feature is asked for all it can tell."""

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.training import answer_alone
from millrace.domain.kinds import Task

ROWS = 600
BLOCKS = np.array([f"b{at // 20:02}" for at in range(ROWS)])


def shares(labels: "np.ndarray[tuple[int], np.dtype[np.float64]]", codes: list[str]) -> "np.ndarray":
    feature = pd.Series(codes, dtype=object)
    return answer_alone(feature, labels, BLOCKS, Task.MULTICLASS, is_timed=False, seed=0)


def test_a_code_whose_classes_have_the_same_mean_position_is_told_apart() -> None:
    """`ends` is the first class or the last, `middle` the one between: 1 on average, both of them."""
    source = np.random.default_rng(0)
    ends = source.random(ROWS) < 0.5
    labels = np.where(ends, 2.0 * (source.random(ROWS) < 0.5), 1.0)
    found = shares(labels, ["ends" if one else "middle" for one in ends])
    assert found[~ends, 1].mean() > 0.95
    assert found[ends, 1].mean() < 0.05
    assert found[ends, 0].mean() == pytest.approx(0.5, abs=0.1)


def test_a_class_that_comes_in_one_block_only_is_no_obstacle() -> None:
    source = np.random.default_rng(0)
    labels = (source.random(ROWS) < 0.5).astype(np.float64)
    codes = ["x" if one else "y" for one in labels]
    labels[:5] = 2.0
    found = shares(labels, codes)
    assert found.shape == (ROWS, 3)
    assert np.isfinite(found).all()
    assert found[20:][labels[20:] == 1.0, 1].mean() > 0.9
