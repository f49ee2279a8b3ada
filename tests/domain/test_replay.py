"""What is measured of a replay, and what its entries say happened."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from millrace.domain.config import Metric
from millrace.domain.dataset import Part
from millrace.domain.facts import (
    Action,
    BatchAccepted,
    ChampionPromoted,
    DecisionMade,
    Drift,
    Fact,
    Inputs,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.replay import AgeLoss, PolicyResult, ReplayResult
from millrace.domain.replay.comparison import list_shown, tell_aging, tell_best
from millrace.domain.replay.measuring import (
    AskedRows,
    Champion,
    answered_by,
    answered_by_all,
    measure_ages,
    measure_loss,
    measure_stretches,
    measure_whole,
)
from millrace.domain.replay.telling import tell_happenings

START = datetime(2013, 1, 1, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
INPUTS = Inputs("dataset", "files", "lock")


def days(count: int) -> AskedRows:
    """One row a day, whose label is 0."""
    times = np.array([(START + number * DAY).timestamp() for number in range(count)])
    return AskedRows(times, np.zeros(count), np.array([f"{number:03}" for number in range(count)]))


def off_by(amount: float, rows: AskedRows, since: datetime) -> Champion:
    """A version that is always off by so much, and answers from `since` on."""
    return Champion(f"{amount:g}", since, np.where(rows.times >= since.timestamp(), amount, np.nan))


def test_each_row_is_answered_by_the_champion_of_its_time_and_none_before_the_first() -> None:
    rows = days(4)
    answers = answered_by(rows, [off_by(1.0, rows, START + DAY), off_by(2.0, rows, START + 3 * DAY)])
    assert np.array_equal(answers, [np.nan, 1.0, 1.0, 2.0], equal_nan=True)
    assert answered_by(rows, []) is None
    assert answered_by_all(4, [answers, None, np.zeros(4)]).tolist() == [False, True, True, True]
    assert not answered_by_all(4, [None]).any()


def test_a_loss_that_is_undefined_is_none() -> None:
    rows = days(4)
    everything, nothing = np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
    assert measure_loss(Metric.AUC, rows, np.full(4, 0.5), everything) is None  # one class alone
    assert measure_loss(Metric.MAE, rows, np.zeros(4), nothing) is None
    assert measure_loss(Metric.MAE, rows, None, everything) is None
    assert measure_loss(Metric.MAE, rows, np.array([1.0, np.nan, 3.0, np.nan]), everything) == 2.0


def test_stretches_hold_their_first_moment_and_not_their_last() -> None:
    rows = days(5)
    found = measure_stretches(Metric.MAE, rows, np.arange(5.0), [START, START + 2 * DAY, START + 5 * DAY])
    assert [(one.rows, one.loss) for one in found] == [(2, 0.5), (3, 3.0)]


def test_the_whole_is_the_mean_of_its_stretches_by_their_chosen_rows() -> None:
    rows, bounds = days(5), [START, START + 2 * DAY, START + 5 * DAY]
    chosen = np.array([True, False, True, True, False])
    whole = measure_whole(Metric.RMSE, rows, np.array([1.0, 9.0, 3.0, 3.0, 9.0]), chosen, bounds)
    assert whole == pytest.approx((1 * 1.0 + 2 * 3.0) / 3)
    assert measure_whole(Metric.AUC, rows, np.full(5, 0.5), chosen, bounds) is None
    assert measure_whole(Metric.MAE, rows, None, chosen, bounds) is None


def test_policies_are_not_compared_by_how_high_their_versions_score() -> None:
    rows = days(8)
    labels = np.array([0.0, 1.0] * 4)
    mixed = AskedRows(rows.times, labels, rows.blocks)
    answers = np.array([0.1, 0.2, 0.1, 0.2, 0.8, 0.9, 0.8, 0.9])  # two versions, both without a fault
    bounds = [START, START + 4 * DAY, START + 8 * DAY]
    assert measure_whole(Metric.AUC, mixed, answers, np.ones(8, dtype=bool), bounds) == 0.0


def test_age_is_counted_from_each_championship_and_cut_weeks_are_left_out() -> None:
    rows = days(21)
    champions = [off_by(4.0, rows, START), off_by(2.0, rows, START + WEEK)]
    found = measure_ages(Metric.MAE, rows, champions, START + 20 * DAY)
    assert found == (
        AgeLoss(weeks=0, champions=2, rows=14, loss=3.0, fresh=3.0, served=3.0),
        AgeLoss(weeks=1, champions=1, rows=7, loss=4.0, fresh=4.0, served=2.0),
    )


def entries(*facts: tuple[int, Fact]) -> Iterator[Entry]:
    for seq, (day, fact) in enumerate(facts):
        yield Entry(seq, START + day * DAY, "tests", "fares", fact, "", "", "")


def accepted(rows: int) -> BatchAccepted:
    return BatchAccepted("digest", Part(f"{rows}", "batch", rows, 1, None, None))


def decided(action: Action, asked: str, key: str = "run") -> DecisionMade:
    return DecisionMade(key, action, "because", (), INPUTS, (asked,))


def test_batches_that_came_together_are_one_happening_with_their_decision() -> None:
    promoted = ChampionPromoted("a" * 64, None, 1, "passed")
    train = decided(Action.TRAIN, "new rows")
    found = tell_happenings(entries((1, accepted(3)), (1, accepted(4)), (1, train), (1, promoted)))
    [one] = found
    assert (one.event, one.rows, one.decision, one.before, one.champion) == (
        "arrived",
        7,
        "TRAIN",
        None,
        "a" * 64,
    )
    assert one.is_promotion


def test_an_arrival_that_nobody_decides_on_is_told_and_a_training_that_was_taken_up_again_once() -> None:
    train, again = decided(Action.TRAIN, "new rows"), decided(Action.SKIP, "new rows")
    found = tell_happenings(entries((1, accepted(3)), (2, accepted(4)), (2, train), (2, again), (3, again)))
    assert [(one.event, one.decision) for one in found] == [
        ("arrived", ""),
        ("arrived", "TRAIN"),
        ("new rows", "SKIP"),
    ]
    assert [one.decision for one in list_shown(found)] == ["", "TRAIN"]


def test_a_drift_is_told_with_its_share() -> None:
    looked = WindowMonitored(
        "a" * 64, START, START, START, 9, 9, START, START, (), (), "", drift=Drift(START, 2, 0.41, ("km",))
    )
    [one] = tell_happenings(entries((1, looked), (1, decided(Action.TRAIN, "drift"))))
    assert one.event == "drift 0.41"


def result_of(*policies: PolicyResult, metric: Metric = Metric.AUC) -> ReplayResult:
    return ReplayResult("fares", metric, START, START + WEEK, 86_400.0, 10, policies)


def test_the_best_policy_is_told_beside_never() -> None:
    weekly = PolicyResult("weekly", (), (), (), 0.25)
    never = PolicyResult("never", (), (), (), 0.5)
    assert tell_best(result_of(weekly, never)) == (
        "weekly would have lost the least: AUC 0.75, 0 trainings, 0.0 s. Never retrained: 0.5."
    )
    assert "nothing can be compared" in tell_best(result_of(PolicyResult("weekly", (), (), (), None)))


@pytest.mark.parametrize(
    ("served", "end"), [(0.31, ""), (0.29, ", where AUC 0.71 was had from the champion of that time")]
)
def test_aging_is_told_by_the_last_week_that_most_champions_have(served: float, end: str) -> None:
    ages = (
        AgeLoss(0, 3, 9, 0.28, 0.28, 0.28),
        AgeLoss(8, 2, 9, 0.31, 0.28, served),
        AgeLoss(9, 1, 9, 0.4, 0.28, 0.3),
    )
    policy = PolicyResult("own", (), (), ages, 0.3)
    told = "own: AUC 0.72 of a new champion is AUC 0.69 after 8 weeks (2 champions)"
    assert tell_aging(policy, Metric.AUC) == told + end
    assert tell_aging(PolicyResult("own", (), (), ages[:1], 0.3), Metric.AUC) is None
