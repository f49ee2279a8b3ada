"""What is measured of a replay, and what its entries say happened."""

from collections.abc import Iterator
from dataclasses import replace
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
from millrace.domain.replay.comparison import Asked, Gap, Happening, RefusedRows, list_shown
from millrace.domain.replay.conclusions import tell_aging, tell_best, tell_gaps, tell_notes
from millrace.domain.replay.measuring import (
    AskedRows,
    Champion,
    answered_by,
    answered_by_all,
    mean_loss,
    measure_ages,
    measure_common,
    measure_gap,
    measure_loss,
    measure_stretches,
)
from millrace.domain.replay.telling import tell_happenings
from tests.domain.judged import POLICY

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
    common = measure_common(Metric.RMSE, rows, np.array([1.0, 9.0, 3.0, 3.0, 9.0]), chosen, bounds)
    assert mean_loss(common) == pytest.approx((1 * 1.0 + 2 * 3.0) / 3)
    assert mean_loss(measure_common(Metric.AUC, rows, np.full(5, 0.5), chosen, bounds)) is None
    assert measure_common(Metric.MAE, rows, None, chosen, bounds) == []


def test_policies_are_not_compared_by_how_high_their_versions_score() -> None:
    rows = days(8)
    labels = np.array([0.0, 1.0] * 4)
    mixed = AskedRows(rows.times, labels, rows.blocks)
    answers = np.array([0.1, 0.2, 0.1, 0.2, 0.8, 0.9, 0.8, 0.9])  # two versions, both without a fault
    bounds = [START, START + 4 * DAY, START + 8 * DAY]
    assert mean_loss(measure_common(Metric.AUC, mixed, answers, np.ones(8, dtype=bool), bounds)) == 0.0


def gap_of(days_each: int, worse: list[float]) -> Gap:
    """Measure who is off by 1 and `worse` in each stretch, against who is off by 1."""
    rows = days(days_each * len(worse))
    bounds = [START + number * days_each * DAY for number in range(len(worse) + 1)]
    everything, off = np.ones(len(rows.times), dtype=bool), np.repeat(worse, days_each)
    best, other = (
        measure_common(Metric.MAE, rows, answers, everything, bounds)
        for answers in (np.ones(len(off)), 1.0 + off)
    )
    return measure_gap(other, best, POLICY, others=2, seed=7)


def test_who_is_worse_in_most_stretches_is_surely_behind_and_who_is_worse_in_one_is_not() -> None:
    mostly, once = gap_of(7, [1.0, 2.0] * 5), gap_of(7, [10.0] + [0.0] * 9)
    assert mostly.mean == pytest.approx(1.5)
    assert mostly.lower is not None
    assert mostly.upper is not None
    assert 0.0 < mostly.lower < 1.5 < mostly.upper
    assert once.lower is not None
    assert once.lower <= 0.0 < once.mean == pytest.approx(1.0)
    assert gap_of(7, [0.0] * 10).lower == 0.0


def test_of_a_few_stretches_nothing_is_concluded() -> None:
    gap = gap_of(100, [1.0, 1.0, 1.0, 1.0])
    assert (gap.lower, gap.upper, gap.stretches) == (None, None, 4)


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


def policy(name: str, loss: float | None, lower: float | None = None) -> PolicyResult:
    """A policy that is behind the best by at least `lower`, or is the best."""
    behind = None if lower is None else Gap(0.1, lower, 0.2, 12)
    return PolicyResult(name, (), (), (), loss, answered=9, behind=behind)


def test_the_best_policy_is_told_beside_never_by_the_rows_that_it_learned_from() -> None:
    trained = Happening(START, 0, "arrived", "TRAIN", "", "", None, None, trained_rows=7_000)
    weekly = replace(policy("weekly", 0.25), happenings=(trained,))
    assert tell_best(result_of(weekly, policy("never", 0.5, lower=0.1))) == (
        "weekly would have lost the least: AUC 0.75, 1 training on 7,000 rows. Never retrained: 0.5."
    )
    assert "nothing can be compared" in tell_best(result_of(PolicyResult("weekly", (), (), (), None)))


def test_policies_that_differ_by_chance_alone_have_no_winner() -> None:
    weekly, own, never = policy("weekly", 0.25), policy("own", 0.26, lower=-0.01), policy("never", 0.5, 0.1)
    assert tell_best(result_of(never, own, weekly)) == (
        "No difference in AUC can be shown between weekly (0.75) and own (0.74). Worse: never (0.5)."
    )
    assert tell_best(result_of(weekly, policy("never", 0.25, lower=0.0))) == (
        "weekly and never are tied: AUC 0.75."
    )
    assert tell_best(result_of(policy("never", 0.25))) == ("never: AUC 0.75, and no other policy to compare.")
    assert tell_gaps(result_of(weekly, own)) == [
        "own: 0.1 behind weekly (12 stretches, -0.01 to 0.2 at 95 % confidence)"
    ]
    few = replace(own, behind=Gap(0.1, None, None, 1))
    assert tell_gaps(result_of(weekly, few)) == ["own: 0.1 behind weekly (1 stretch, too few to bound it)"]


def test_rows_that_are_not_compared_are_counted_with_the_reason_and_who_never_answered_is_named() -> None:
    asked = Asked(100, 20, 10, (RefusedRows("week-5", 30, "fare: too much"),), tuple("abcd"))
    mute = PolicyResult("mute", (), (), (), None)
    result = replace(result_of(policy("own", 0.25), mute), rows=50, asked=asked)
    assert tell_notes(result) == [
        "Compared over 50 of 100 rows: 20 have no label, 10 are of a class that no champion knows and "
        "20 were not answered under every policy",
        "Without an answer to any row, and left out of the comparison: mute",
        "week-5: 30 rows are not scored, the model's own contract refuses them: fare: too much",
        "The source names batches before their newest row has happened: a, b, c and 1 more. Here they come "
        "after it; let list_batches(now) name what was complete at `now`",
        "No data.label_delay in model.toml: a label counts as known at once",
    ]
    spoilt = tuple(RefusedRows(f"week-{number}", 30, "fare: too much") for number in range(5))
    assert tell_notes(replace(result, asked=Asked(100, refused=spoilt)))[5] == (
        "So it is with 60 rows of 2 more batches"
    )
    plain = replace(result, asked=Asked(50), policies=result.policies[:1], label_delay_seconds=3600.0)
    assert tell_notes(plain) == ["Compared over 50 of 50 rows"]


def test_a_metric_has_one_spelling() -> None:
    brier = result_of(policy("own", 0.25), metric=Metric.BRIER)
    assert (brier.short_name, brier.metric_name) == ("Brier score", "Brier score, lower is better")
    assert result_of(policy("own", 0.25)).metric_name == "AUC, higher is better"


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
