"""Hourly refits, daily full trainings: two lines of `model.toml`."""

from datetime import datetime, timedelta

import pytest

from millrace.adapters.models import change_section
from millrace.domain.decision import Reason
from millrace.domain.facts import Action, ChallengerTrained, ChampionPromoted
from millrace.domain.work import FlowName
from millrace.errors import ModelFileError
from millrace.steps.decide import RetrainResult, decide_retraining
from millrace.steps.inbox import InboxWatch
from millrace.steps.stores import ledger, model_config
from millrace.steps.work import find_work
from tests.conftest import NOON, ROLLOUT, Home
from tests.detected import record_drift
from tests.loop import retrain, take_in

FEBRUARY = datetime(2013, 3, 1, 12, tzinfo=NOON.tzinfo)
MAY = datetime(2013, 5, 1, 12, tzinfo=NOON.tzinfo)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def minor(fares: Home) -> Home:
    """A model with both schedules; January and February have come."""
    fares.rewrite("fares", "seed = 7", "seed = 7\nsearch = { trials = 3, folds = 2 }")
    fares.rewrite("fares", "[retrain]", '[retrain]\nschedule = "0 3 * * *"\nrefit_schedule = "0 * * * *"')
    fares.rewrite("fares", "baseline_margin = 0.0", "baseline_margin = 0.1")  # which is the same, unsearched
    take_in("fares", FEBRUARY)
    return fares


def trained(result: RetrainResult) -> ChallengerTrained:
    assert result.trained is not None, result.decision.reason
    return result.trained


def works(now: datetime) -> list[tuple[FlowName, str, str]]:
    return [(work.flow, work.reason, work.detail) for work in find_work("fares", InboxWatch(), now)]


def test_a_refit_takes_the_hyperparameters_of_the_last_full_training_over_and_searches_none(
    minor: Home,
) -> None:
    full = trained(retrain("fares", FEBRUARY, Reason.SCHEDULE))
    take_in("fares", NOON)
    refit = trained(retrain("fares", NOON, Reason.REFIT))
    assert (len(full.trials), len(refit.trials)) == (3, 0)
    assert refit.parameters == full.parameters
    assert (refit.inputs.is_refit, full.inputs.is_refit) == (True, False)
    assert refit.rows > full.rows


def test_the_first_refit_is_a_full_training_and_so_is_the_first_after_a_change_of_the_folder(
    minor: Home,
) -> None:
    assert len(trained(retrain("fares", FEBRUARY, Reason.REFIT)).trials) == 3
    minor.learn_from("fares", "distance_km", "tariff")
    assert len(trained(retrain("fares", FEBRUARY + DAY, Reason.REFIT)).trials) == 3


def test_rows_that_a_refit_has_seen_are_new_to_a_full_training_and_not_the_other_way_round(
    minor: Home,
) -> None:
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    take_in("fares", NOON)
    refit = trained(retrain("fares", NOON, Reason.REFIT))
    again = retrain("fares", NOON + HOUR, Reason.REFIT).decision
    assert again.reason.startswith("same inputs as the last finished training: ")
    full = trained(retrain("fares", NOON + DAY, Reason.SCHEDULE))
    assert full.run_key != refit.run_key
    assert full.inputs == refit.inputs.in_full
    after = retrain("fares", NOON + DAY + HOUR, Reason.REFIT).decision
    assert after.reason.startswith("same inputs as the last finished training: ")


def test_a_refit_takes_no_challengers_place_and_none_on_probation(minor: Home) -> None:
    change_section(minor.models, "fares", "rollout", ROLLOUT)
    minor.learn_from("fares", "distance_km")
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    take_in("fares", NOON)
    minor.learn_from("fares", "distance_km", "tariff")
    challenger = trained(retrain("fares", NOON, Reason.SCHEDULE)).digest
    take_in("fares", MAY)
    held = retrain("fares", MAY, Reason.REFIT).decision
    assert held.reason.startswith(f"challenger {challenger[:12]} is on its way and answers no request yet: ")
    rollout = ledger().rollout("fares")
    assert rollout.challenger == challenger
    fact = ChampionPromoted(challenger, rollout.champion, rollout.generation + 1, "by a test", True)
    ledger().change_rollout(rollout, fact, MAY, "a test")
    held = retrain("fares", MAY + HOUR, Reason.REFIT).decision
    assert held.reason.startswith(f"champion {challenger[:12]} is on probation: ")


def test_refits_use_no_budget_and_start_no_cooldown(minor: Home) -> None:
    minor.rewrite("fares", "budget_per_day = 4", "budget_per_day = 1")
    retrain("fares", NOON - HOUR, Reason.SCHEDULE)
    take_in("fares", NOON)
    trained(retrain("fares", NOON, Reason.REFIT))
    take_in("fares", MAY)
    record_drift("fares", NOON + 23 * HOUR, NOON)
    assert trained(retrain("fares", NOON + 23 * HOUR, Reason.DRIFT)).inputs.is_refit is False


def test_a_refit_leaves_drift_to_a_full_training(minor: Home) -> None:
    retrain("fares", NOON - HOUR, Reason.SCHEDULE)
    take_in("fares", NOON)
    seq = record_drift("fares", NOON, NOON - HOUR)
    assert retrain("fares", NOON, Reason.REFIT).decision.answers == ()
    assert retrain("fares", NOON + 6 * HOUR, Reason.DRIFT).decision.answers == (seq,)


def test_new_rows_wait_for_a_schedule_and_drift_does_not(minor: Home) -> None:
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    take_in("fares", NOON)
    assert retrain("fares", NOON, Reason.NEW_ROWS).decision.reason == "nothing asks for a training"
    record_drift("fares", NOON, NOON - HOUR)
    assert works(NOON)[0][:2] == (FlowName.RETRAIN, "drift")
    assert len(trained(retrain("fares", NOON, Reason.DRIFT)).trials) == 3


def test_each_schedule_has_its_own_periods(minor: Home) -> None:
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    assert works(FEBRUARY + MINUTE) == []
    take_in("fares", NOON)
    assert works(NOON + 5 * MINUTE) == [
        (FlowName.RETRAIN, "schedule", "due at 2013-04-01 03:00 UTC"),
        (FlowName.RETRAIN, "refit", "due at 2013-04-01 12:00 UTC"),
    ]
    retrain("fares", NOON + 5 * MINUTE, Reason.REFIT)
    assert works(NOON + 6 * MINUTE) == [(FlowName.RETRAIN, "schedule", "due at 2013-04-01 03:00 UTC")]
    late = retrain("fares", NOON + 7 * MINUTE, Reason.REFIT).decision
    assert late.reason.startswith("the schedule was due at 2013-04-01 12:00 UTC, decided at ")
    assert retrain("fares", NOON + 8 * MINUTE, Reason.SCHEDULE).decision.action is Action.TRAIN
    assert works(NOON + 9 * MINUTE) == []
    assert works(NOON + HOUR) == [(FlowName.RETRAIN, "refit", "due at 2013-04-01 13:00 UTC")]


def test_a_full_training_takes_the_refit_of_the_same_time_along(minor: Home) -> None:
    at = NOON.replace(hour=3)
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    take_in("fares", NOON)
    assert [reason for _flow, reason, _detail in works(at)] == ["schedule", "refit"]
    retrain("fares", at, Reason.SCHEDULE)
    assert works(at + MINUTE) == []


@pytest.mark.parametrize("reason", [Reason.SCHEDULE, Reason.REFIT])
def test_a_scheduled_training_that_died_is_asked_for_again(minor: Home, reason: Reason) -> None:
    retrain("fares", FEBRUARY, Reason.SCHEDULE)
    take_in("fares", NOON)
    retrain("fares", NOON, Reason.SCHEDULE if reason is Reason.REFIT else Reason.REFIT)
    take_in("fares", MAY)
    decided = decide_retraining("fares", reason, False, MAY, "a run")
    assert decided.claim is not None
    assert works(MAY) == []
    ledger().release(decided.claim)
    assert reason.value in [one for _flow, one, _detail in works(MAY)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "seed = 7", "retrain.refit_schedule needs training.search"),
        ("[retrain]", '[retrain]\nschedule = "0 3 * * *"', "retrain.refit_schedule needs training.search"),
        ("seed = 7", "seed = 7\nsearch = { trials = 3, folds = 2 }", "refit_schedule needs schedule"),
    ],
)
def test_a_schedule_of_refits_needs_full_trainings_that_search(
    fares: Home, old: str, new: str, said: str
) -> None:
    fares.rewrite("fares", "[retrain]", '[retrain]\nrefit_schedule = "0 * * * *"')
    fares.rewrite("fares", old, new)
    with pytest.raises(ModelFileError, match=said if old != new else "needs"):
        model_config("fares")
