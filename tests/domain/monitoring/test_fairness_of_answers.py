"""Are groups of requests answered differently in production?"""

from dataclasses import replace

import numpy as np

from millrace.domain.kinds import Task
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.performance import judge_fairness, measure_answered
from millrace.domain.verdict import Outcome
from tests.domain.monitoring.labelled import END, START, honest, rows_of, yardstick

ROWS = 8_000
HELD_TO = yardstick(None, sensitive=["sex"], max_unfairness=0.1, min_labels=200)


def answered(gap: float, *, rare: int = 0) -> object:
    """Rows of two groups; the answers to one of them are higher by `gap`."""
    answers, labels = honest(ROWS, 1, low=0.2, high=0.6)
    sex = np.where(np.arange(ROWS) % 2 == 0, "f", "m").astype(object)
    sex[:rare] = "x"
    return rows_of(answers + gap * (sex == "m"), labels, sex=sex.tolist())


def test_groups_that_are_answered_alike_pass() -> None:
    found = judge_fairness(answered(0.0), HELD_TO)  # type: ignore[arg-type]
    assert found.outcome is Outcome.PASS
    assert "0.1 allowed" in found.reason


def test_a_group_that_is_answered_otherwise_fails_and_is_named() -> None:
    found = judge_fairness(answered(0.2), HELD_TO)  # type: ignore[arg-type]
    assert found.outcome is Outcome.FAIL
    assert "differs by 0." in found.reason
    assert "sex=m and sex=f" in found.reason


def test_decisions_are_by_the_threshold_of_the_version() -> None:
    rows = answered(0.2)
    # above all answers: nobody is decided for, in either group
    found = judge_fairness(rows, replace(HELD_TO, threshold=0.95))  # type: ignore[arg-type]
    assert found.outcome is Outcome.PASS


def test_a_group_that_is_too_small_is_named_and_no_pass() -> None:
    found = judge_fairness(answered(0.0, rare=50), HELD_TO)  # type: ignore[arg-type]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason.endswith("not compared: sex=x")


def test_a_column_of_one_value_and_no_rows_are_inconclusive() -> None:
    answers, labels = honest(ROWS, 1)
    alone = judge_fairness(rows_of(answers, labels, sex=["f"] * ROWS), HELD_TO)
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert alone.reason == "no two groups of sex have labels enough"
    nobody = judge_fairness(rows_of(np.empty(0), np.empty(0), sex=[]), HELD_TO)
    assert (nobody.outcome, nobody.reason) == (Outcome.INCONCLUSIVE, "0 rows of fewer than 14 moments")


def test_errors_of_a_regression_are_compared_too() -> None:
    source = np.random.default_rng(0)
    sex = np.where(np.arange(ROWS) % 2 == 0, "f", "m")
    labels = source.normal(100.0, 10.0, ROWS)
    answers = labels + source.normal(0.0, np.where(sex == "m", 2.0, 1.0))
    held_to = yardstick(None, Task.REGRESSION, sensitive=["sex"], max_unfairness=0.1)
    found = measure_answered(rows_of(answers, labels, sex=sex.tolist()), START, END, held_to)
    [verdict] = [one for one in found.verdicts if one.rule == Watched.FAIRNESS]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("mean absolute error, relative differs by 0.6")
