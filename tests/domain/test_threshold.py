"""Is the threshold that is chosen the best one there is, by each policy?"""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from millrace.domain.config import ThresholdPolicy
from millrace.domain.threshold import NoThresholdError, choose_threshold

RNG = np.random.default_rng(3)
LABELS = (RNG.random(400) < 0.2).astype(np.float64)
ANSWERS = np.clip(0.2 + 0.3 * LABELS + RNG.normal(0.0, 0.15, 400), 0.0, 1.0).round(3)
COSTS = {"false_positive_cost": 1.0, "false_negative_cost": 1.0}
SCORES = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score}


@pytest.mark.parametrize("name", list(SCORES))
def test_no_other_threshold_is_better(name: str) -> None:
    chosen = choose_threshold(ThresholdPolicy(maximise=name), LABELS, ANSWERS)  # type: ignore[arg-type]
    best = max(SCORES[name](LABELS, one <= ANSWERS) for one in np.unique(ANSWERS))
    assert SCORES[name](LABELS, chosen <= ANSWERS) == pytest.approx(best)
    assert not np.isclose(ANSWERS, chosen, atol=1e-4).any()


@pytest.mark.parametrize(("false_positive", "false_negative"), [(1.0, 1.0), (1.0, 10.0), (7.0, 1.0)])
def test_no_other_threshold_is_cheaper(false_positive: float, false_negative: float) -> None:
    policy = ThresholdPolicy(false_positive_cost=false_positive, false_negative_cost=false_negative)

    def cost(threshold: float) -> float:
        positive = threshold <= ANSWERS
        wrong = positive & (LABELS == 0.0)
        return float(false_positive * wrong.sum() + false_negative * (~positive & (LABELS == 1.0)).sum())

    chosen = choose_threshold(policy, LABELS, ANSWERS)
    assert cost(chosen) == min(cost(one) for one in [*np.unique(ANSWERS), 2.0])


def test_dear_misses_lower_the_threshold_and_dear_false_alarms_raise_it() -> None:
    chosen = [
        choose_threshold(ThresholdPolicy(false_positive_cost=1.0, false_negative_cost=cost), LABELS, ANSWERS)
        for cost in (0.1, 1.0, 10.0)
    ]
    assert chosen[0] > chosen[1] > chosen[2]


def test_where_nothing_should_be_positive_nothing_seen_is() -> None:
    policy = ThresholdPolicy(false_positive_cost=1e9, false_negative_cost=1e-9)
    labels = np.array([0.0, 1.0, 0.0])
    chosen = choose_threshold(policy, labels, np.array([0.1, 0.2, 0.9]))
    assert 0.9005 < chosen <= 1.0


def test_even_a_row_answered_one_is_negative_where_nothing_should_be_positive() -> None:
    labels, answers = np.array([0.0] * 100 + [1.0] * 10), np.array([1.0] * 105 + [0.2] * 5)
    policy = ThresholdPolicy(false_positive_cost=20.0, false_negative_cost=1.0)
    assert not (answers.astype(np.float32) >= choose_threshold(policy, labels, answers)).any()


@pytest.mark.parametrize("policy", [{"maximise": "f1"}, {"maximise": "balanced_accuracy"}, COSTS])
def test_a_class_that_counts_nothing_and_answers_that_are_none_are_no_evidence(policy: Any) -> None:
    asked, weights = ThresholdPolicy(**policy), 1.0 - LABELS
    count = int(LABELS.sum())
    with pytest.raises(NoThresholdError, match=f"{count} rows of class 'late', of a weight of 0 in all"):
        choose_threshold(asked, LABELS, ANSWERS, weights, ("on time", "late"))
    with pytest.raises(NoThresholdError, match="0 rows of class 'on time'"):
        choose_threshold(asked, np.ones(400), ANSWERS, None, ("on time", "late"))
    with pytest.raises(NoThresholdError, match="1 of 400 answers not finite"):
        choose_threshold(asked, LABELS, np.where(np.arange(400) == 7, np.nan, ANSWERS))


def test_rows_count_by_their_weights() -> None:
    labels, answers = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.3, 0.6, 0.9])
    policy = ThresholdPolicy(false_positive_cost=1.0, false_negative_cost=1.0)
    heavy_miss = choose_threshold(policy, labels, answers, np.array([1.0, 5.0, 1.0, 1.0]))
    heavy_alarm = choose_threshold(policy, labels, answers, np.array([1.0, 1.0, 5.0, 1.0]))
    assert (heavy_miss, heavy_alarm) == (pytest.approx(0.2), pytest.approx(0.75))
