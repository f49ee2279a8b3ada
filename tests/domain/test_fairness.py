"""Are groups answered differently: by how much, and is that more than chance?"""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

from millrace.domain.fairness import MAX_GROUPS, Fairness, measure_fairness
from millrace.domain.group_measures import GroupedRows
from millrace.domain.kinds import Task
from tests.domain.monitoring.labelled import sliced

ROWS = 6_000


def grouped(task: Task, answers: Any, labels: Any, groups: Any) -> GroupedRows:
    blocks = np.arange(len(labels)) * 28 // len(labels)
    return GroupedRows(
        task, np.asarray(answers), np.asarray(labels, dtype=float), blocks, sliced(list(groups))
    )


def measured(rows: GroupedRows, min_rows: int = 100) -> Fairness:
    return measure_fairness("group", rows, min_rows, 0.95, 200)


def binary(gap: float, seed: int = 0, share: float = 0.5) -> tuple[Any, Any, Any]:
    """Group b is answered positively more often by `gap`, whatever is true."""
    source = np.random.default_rng(seed)
    groups = np.where(source.random(ROWS) < share, "a", "b").astype(object)
    labels = (source.random(ROWS) < 0.4).astype(float)
    answers = (source.random(ROWS) < 0.3 + 0.2 * labels + gap * (groups == "b")).astype(float)
    return answers * 0.6 + 0.2, labels, groups


def test_the_differences_are_those_of_fairlearn() -> None:
    answers, labels, groups = binary(0.2)
    found = {gap.measure: gap for gap in measured(grouped(Task.BINARY, answers, labels, groups)).gaps}
    decided = (answers > 0.5).astype(float)
    parity = demographic_parity_difference(labels, decided, sensitive_features=groups)
    odds = equalized_odds_difference(labels, decided, sensitive_features=groups)
    assert found["share answered positively"].difference == pytest.approx(parity)
    both = [found[name].difference for name in ("true positive share", "false positive share")]
    assert max(both) == pytest.approx(odds)
    assert {(gap.most, gap.least) for gap in found.values()} == {("b", "a")}


def test_decisions_are_by_the_threshold_of_the_version_where_it_has_one() -> None:
    answers, labels, groups = binary(0.2)
    # all below a half: without the threshold nobody is answered positively
    rows = grouped(Task.BINARY, answers / 2.0, labels, groups)
    assert [gap.difference for gap in measured(rows).gaps] == [0.0, 0.0, 0.0]
    decided = measured(replace(rows, threshold=0.4)).gaps
    assert decided == measured(grouped(Task.BINARY, answers, labels, groups)).gaps


def test_the_bounds_hold_the_difference_and_the_truth() -> None:
    for gap in measured(grouped(Task.BINARY, *binary(0.2))).gaps:
        assert gap.lower < gap.difference < gap.upper
        assert gap.lower < 0.2 < gap.upper
        assert gap.lower > 0.1


@pytest.mark.parametrize(("groups", "trials"), [(2, 20), (5, 6)])
def test_groups_that_are_answered_alike_rarely_differ_surely(groups: int, trials: int) -> None:
    names = np.array(list("abcde"))[np.arange(ROWS) % groups]
    alarms = 0
    for seed in range(100, 100 + trials):
        answers, labels, _ = binary(0.0, seed)
        found = measured(grouped(Task.BINARY, answers, labels, names))
        alarms += any(gap.lower > 0.0 for gap in found.gaps)
    assert alarms <= 0.15 * trials


def test_a_regression_compares_errors_and_several_classes_mistakes() -> None:
    source = np.random.default_rng(0)
    groups = np.arange(ROWS) % 2
    labels = source.normal(100.0, 20.0, ROWS)
    errors = source.normal(0.0, np.where(groups == 1, 3.0, 1.0))
    [gap] = measured(grouped(Task.REGRESSION, labels + errors, labels, groups.astype(str))).gaps
    assert gap.measure == "mean absolute error, relative"
    assert gap.difference == pytest.approx(1.0, abs=0.1)  # 3 and 1 are 2 apart, and 2 in the mean
    assert gap.lower < 1.0 < gap.upper

    classes = source.integers(0, 3, ROWS)
    told = np.where((groups == 1) & (source.random(ROWS) < 0.5), (classes + 1) % 3, classes)
    [gap] = measured(grouped(Task.MULTICLASS, np.eye(3)[told], classes, groups.astype(str))).gaps
    assert (gap.measure, gap.most, gap.least) == ("share of errors", "1", "0")
    assert gap.difference == pytest.approx(0.5, abs=0.05)


def test_small_groups_are_named_and_left_out() -> None:
    answers, labels, groups = binary(0.0)
    groups[:20] = "rare"
    found = measured(grouped(Task.BINARY, answers, labels, groups))
    assert found.left_out == ("rare",)
    assert {name for gap in found.gaps for name in (gap.most, gap.least)} == {"a", "b"}


def test_one_group_alone_has_nothing_to_be_compared_with() -> None:
    answers, labels, _ = binary(0.0)
    assert measured(grouped(Task.BINARY, answers, labels, ["a"] * ROWS)).gaps == ()


def test_of_many_groups_the_largest_are_compared() -> None:
    answers, labels, _ = binary(0.0)
    names = [f"g{row % (MAX_GROUPS + 2)}" for row in range(ROWS)]
    found = measured(grouped(Task.BINARY, answers, labels, names), min_rows=10)
    assert len(found.left_out) == 2


def test_a_group_without_positive_labels_has_no_bound() -> None:
    answers, labels, groups = binary(0.0)
    labels[groups == "a"] = 0.0
    found = {gap.measure: gap for gap in measured(grouped(Task.BINARY, answers, labels, groups)).gaps}
    assert found["true positive share"].upper == np.inf
    assert found["true positive share"].lower == 0.0
    assert np.isfinite(found["false positive share"].upper)


def test_the_wider_the_gap_the_higher_its_bounds() -> None:
    found = [measured(grouped(Task.BINARY, *binary(gap))).gaps[0] for gap in (0.0, 0.1, 0.2, 0.3)]
    for one, other in itertools.pairwise(found):
        assert one.lower <= other.lower
        assert one.upper < other.upper
