"""How often is a piece of work tried, and when is it given up?"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.facts import AutomationResumed, Fact, RunParked, RunRequested
from millrace.domain.ledger import Entry, next_entry
from millrace.domain.work import RETAKES, Ask, FlowName, Park, Standing, Wait, Work, plan_next

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
WORK = Work(FlowName.RETRAIN, "fares", "retrain:fares:a", "new rows", "1,240 new rows", timedelta(0))


def asked(number: int, key: str = WORK.key, flow: str = "retrain") -> RunRequested:
    return RunRequested(key, flow, "new rows", number)


def parked(attempts: int = RETAKES + 1, key: str = WORK.key) -> RunParked:
    return RunParked(key, "retrain", attempts, "still undone")


def written(*facts: Fact, at: datetime = NOON) -> list[Entry]:
    entries: list[Entry] = []
    for fact in facts:
        entries.append(next_entry(entries[-1] if entries else None, at, "tests", "fares", fact))
    return entries


def all_are(standing: Standing) -> Callable[[RunRequested], Standing]:
    return lambda _request: standing


def test_what_was_never_asked_for_is_asked_for() -> None:
    assert plan_next(WORK, [], all_are(Standing.LOST), NOON) == Ask(1)


def test_a_run_that_has_still_to_end_is_left_alone() -> None:
    assert plan_next(WORK, written(asked(1)), all_are(Standing.ALIVE), LATER) == Wait()


def test_while_a_run_of_the_same_flow_is_under_way_other_work_waits_for_it() -> None:
    entries = written(asked(1, key="retrain:fares:older"))
    assert plan_next(WORK, entries, all_are(Standing.ALIVE), LATER) == Wait()
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Ask(1)


def test_a_run_of_another_flow_holds_nothing_up() -> None:
    entries = written(asked(1, key="ingest:fares:b", flow="ingest"))
    assert plan_next(WORK, entries, all_are(Standing.ALIVE), LATER) == Ask(1)


def test_a_run_that_prefect_has_forgotten_is_asked_for_again_as_the_same_attempt() -> None:
    assert plan_next(WORK, written(asked(1), asked(2)), all_are(Standing.LOST), LATER) == Ask(2)


@pytest.mark.parametrize("tried", [1, 2, 3])
def test_a_run_that_ended_with_its_work_undone_is_followed_by_another(tried: int) -> None:
    entries = written(*map(asked, range(1, tried + 1)))
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Ask(tried + 1)


def test_after_three_retakes_it_is_parked() -> None:
    entries = written(*map(asked, range(1, RETAKES + 2)))
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Park(RETAKES + 1)


def test_what_is_parked_waits_for_a_person() -> None:
    entries = written(*map(asked, range(1, RETAKES + 2)), parked())
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Wait()


def test_what_a_person_resumed_is_tried_as_often_again_by_runs_of_new_numbers() -> None:
    entries = written(*map(asked, range(1, 5)), parked(), AutomationResumed("the disk is back"))
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Ask(5)
    entries = written(*(entry.fact for entry in entries), *map(asked, range(5, 8)))
    assert plan_next(WORK, entries, all_are(Standing.ENDED), LATER) == Ask(8)


def test_new_inputs_are_new_work_though_the_old_was_parked() -> None:
    entries = written(*map(asked, range(1, 5)), parked())
    changed = Work(FlowName.RETRAIN, "fares", "retrain:fares:b", "config", "changed", timedelta(0))
    assert plan_next(changed, entries, all_are(Standing.ENDED), LATER) == Ask(1)


def test_each_retake_waits_longer() -> None:
    gaps = []
    for tried in (1, 2, 3):
        entries, gap = written(*map(asked, range(1, tried + 1))), timedelta(0)
        while plan_next(WORK, entries, all_are(Standing.ENDED), NOON + gap) == Wait():
            gap += timedelta(seconds=1)
        gaps.append(gap)
    assert gaps == [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10)]


def test_a_clock_that_was_set_back_does_not_make_it_wait_for_ever() -> None:
    before = NOON - timedelta(days=365)
    assert plan_next(WORK, written(asked(1)), all_are(Standing.ENDED), before) == Ask(2)


@given(
    st.lists(st.sampled_from(["asked", "other", "parked", "resumed"]), max_size=12), st.sampled_from(Standing)
)
def test_whatever_happened_no_number_is_skipped_and_no_ended_run_is_asked_for_again(
    happened: list[str], standing: Standing
) -> None:
    facts: list[Fact] = []
    for what in happened:
        number = sum(isinstance(fact, RunRequested) and fact.key == WORK.key for fact in facts) + 1
        made: dict[str, Fact] = {
            "asked": asked(number),
            "other": asked(1, key="retrain:fares:other"),
            "parked": parked(),
            "resumed": AutomationResumed("go on"),
        }
        facts.append(made[what])
    requests = happened.count("asked")
    match plan_next(WORK, written(*facts), all_are(standing), LATER):
        case Ask(number):
            assert number == requests + 1 or (standing is Standing.LOST and number == requests > 0)
        case Park(attempts):
            assert RETAKES < attempts <= requests
        case Wait():
            assert standing is Standing.ALIVE or "parked" in happened
