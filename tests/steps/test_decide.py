"""Every call of retrain leaves a decision with its reasons, above all when nothing is trained."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from millrace.domain.decision import Reason
from millrace.domain.facts import Action, ChallengerTrained, DecisionMade
from millrace.steps.decide import decide_retraining
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

FEBRUARY = datetime(2013, 3, 1, 12, tzinfo=NOON.tzinfo)
"""When January and February are there, one day after February."""


def trainings(home: Home, model: str) -> int:
    return len(home.facts(model, ChallengerTrained))


@pytest.mark.parametrize("model", ["progression", "fares"])
def test_the_same_inputs_are_never_trained_again_not_even_by_force(fares: Home, model: str) -> None:
    take_in(model, NOON)
    first = retrain(model, NOON)
    later = retrain(model, NOON + timedelta(days=9), force=True)
    assert [first.decision.action, later.decision.action] == [Action.TRAIN, Action.SKIP]
    assert first.trained is not None
    assert later.decision.reason.startswith(
        f"same inputs as the last finished training: bundle {first.trained.digest[:12]}, pass: floors: "
    )
    assert trainings(fares, model) == 1
    assert len(fares.facts(model, DecisionMade)) == 2


def test_without_rows_a_training_is_blocked_with_the_next_command(fares: Home) -> None:
    decision = retrain("fares", NOON).decision
    assert decision.action is Action.BLOCK
    assert decision.reason == "no rows to train on: give the model a batch and run `millrace ingest`"
    assert fares.kinds("fares") == ["DecisionMade"]


def test_too_few_judged_days_block_a_training_even_by_force(fares: Home) -> None:
    take_in("fares", datetime(2013, 2, 1, 12, tzinfo=NOON.tzinfo))
    fares.rewrite("fares", 'window = "42d"', 'window = "14d"')
    decision = retrain("fares", FEBRUARY, force=True).decision
    assert decision.action is Action.BLOCK
    assert "recent set has" in decision.reason
    assert "14 needed to judge" in decision.reason


def test_within_the_cooldown_new_rows_wait(fares: Home) -> None:
    take_in("fares", FEBRUARY)
    retrain("fares", NOON - timedelta(hours=5))
    take_in("fares", NOON)
    decision = retrain("fares", NOON).decision
    assert (decision.action, decision.reason) == (Action.SKIP, "last trained 5:00:00 ago, cooldown 6:00:00")
    assert retrain("fares", NOON + timedelta(hours=1)).decision.action is Action.TRAIN


def test_force_lifts_the_cooldown(fares: Home) -> None:
    take_in("fares", FEBRUARY)
    retrain("fares", NOON - timedelta(hours=5))
    take_in("fares", NOON)
    assert retrain("fares", NOON, force=True).decision.action is Action.TRAIN


def test_the_budget_of_a_day_holds_trainings_back_and_comes_back_with_time(fares: Home) -> None:
    take_in("fares", NOON)
    for number, columns in enumerate((["distance_km"], ["luggage"], ["noise"], ["tariff"])):
        fares.learn_from("fares", *columns)
        assert retrain("fares", NOON + timedelta(hours=6 * number), force=True).trained is not None
    fares.learn_from("fares", "distance_km", "tariff")
    decision = retrain("fares", NOON + timedelta(hours=24, minutes=-1)).decision
    assert (decision.action, decision.reason) == (
        Action.SKIP, "last trained 5:59:00 ago, cooldown 6:00:00",
    )  # fmt: skip
    budget = next(one for one in decision.findings if one.rule == "budget")
    assert budget.action is Action.SKIP
    assert budget.finding == "4 of 4 trainings used in the last 24 hours"
    assert retrain("fares", NOON + timedelta(hours=24, minutes=1)).decision.action is Action.TRAIN


def test_too_few_new_rows_are_not_worth_a_training(fares: Home) -> None:
    take_in("fares", FEBRUARY)
    retrain("fares", FEBRUARY)
    fares.rewrite("fares", "min_new_rows = 500", "min_new_rows = 2_000")
    retrain("fares", NOON - timedelta(days=1))
    take_in("fares", NOON)
    decision = retrain("fares", NOON).decision
    assert decision.action is Action.SKIP
    assert decision.reason == "1,054 new rows since the last training, 2,000 needed"


def test_a_changed_model_folder_is_a_reason_of_its_own(fares: Home) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    fares.learn_from("fares", "distance_km", "tariff")
    decision = retrain("fares", NOON + timedelta(days=1)).decision
    assert decision.action is Action.TRAIN
    assert "the model's folder has changed" in decision.reason


def test_a_decision_records_what_every_rule_found(fares: Home) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    retrain("fares", NOON)
    made = fares.facts("fares", DecisionMade)[-1]
    assert isinstance(made, DecisionMade)
    assert [str(one.rule) for one in made.findings] == [
        "dataset", "recent blocks", "golden blocks", "contract", "paused", "period", "drift", "decay",
        "rollout", "same inputs", "already tried", "asked", "no champion yet", "config", "code", "new rows",
        "cooldown", "budget",
    ]  # fmt: skip
    assert all(one.finding for one in made.findings)


def test_a_training_another_run_is_at_is_left_to_it_and_recorded(fares: Home) -> None:
    take_in("fares", NOON)
    first = decide_retraining("fares", Reason.SCHEDULE, False, NOON, "one run")
    second = decide_retraining("fares", Reason.SCHEDULE, False, NOON, "another run")
    assert first.claim is not None
    assert second.claim is None
    assert second.decision.action is Action.SKIP
    assert "is being done by run one run" in second.decision.reason


def test_labels_that_are_not_due_yet_are_unknown_to_a_training(fares: Home) -> None:
    fares.rewrite("fares", 'label_delay = "1h"', 'label_delay = "20d"')
    take_in("fares", FEBRUARY)
    trained = retrain("fares", FEBRUARY).decision
    rows = next(one for one in trained.findings if one.rule == "dataset").finding
    assert rows == "1,344 rows"  # 39 days of 34 and the 18 until noon, 20 days before


def test_of_many_who_come_for_one_period_at_once_one_decides(fares: Home) -> None:
    fares.rewrite("fares", "[retrain]", '[retrain]\nschedule = "0 6 * * *"')
    take_in("fares", FEBRUARY)
    together = Barrier(8)

    def ask(number: int) -> str:
        together.wait()
        return decide_retraining("fares", Reason.SCHEDULE, False, NOON, f"run {number}").decision.reason

    with ThreadPoolExecutor(8) as pool:
        reasons = Counter(pool.map(ask, range(8)))
    late = "the schedule was due at 2013-04-01 06:00 UTC, decided at 2013-04-01 12:00:00"
    assert (reasons[late], reasons.total()) == (7, 8)
