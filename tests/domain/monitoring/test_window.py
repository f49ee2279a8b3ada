"""Which window is looked at next, and what follows from what was found?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from millrace.adapters.models import find_model
from millrace.domain.config import DriftSection, ModelConfig, PerformanceSection
from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import (
    ColumnFinding,
    DriftFindings,
    GroupLoss,
    PerformanceFindings,
    Watched,
    WindowFindings,
)
from millrace.domain.monitoring.window import Window, conclude, plan_window
from millrace.domain.verdict import Outcome, Verdict
from tests.conftest import PLANTED

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEST = {"test": "jensenshannon", "threshold": 0.1}
DRIFT = DriftSection.model_validate(
    {
        "numeric": TEST,
        "categorical": TEST,
        "min_rows": 100,
        "confidence": 0.95,
        "max_unseen_share": 0.01,
        "max_column_share": 0.3,
        "windows": 2,
    }
)
PERFORMANCE = PerformanceSection(min_labels=50, max_excess_loss=0.1, confidence=0.95, windows=2)
WATCHED: ModelConfig = find_model(PLANTED, "fares").model_copy(
    update={"drift": DRIFT, "performance": PERFORMANCE}
)


def window_from(start: datetime, digest: str = "c1") -> Window:
    return Window(digest, start, start + HOUR, start - DAY, start + HOUR - DAY)


def found(data: Outcome, performance: Outcome = Outcome.PASS, labels: int = 60) -> WindowFindings:
    column = ColumnFinding(Watched.DATA, "km", "wasserstein", 0.1, 0.4, 0.0, data, "0.4 of 0.1")
    drift = DriftFindings(200, (column,), 1.0, (Verdict(Watched.DATA, data, "1 of 1 columns"),))
    shown = PerformanceFindings(
        NOON - DAY, NOON, 200, labels, "mae", 1.0, GroupLoss("all", labels, 1.3, 1.2, 1.4), (),
        (Verdict(Watched.PERFORMANCE, performance, "1.3 of 1.1"),),
    )  # fmt: skip
    return WindowFindings("fares", "c1", NOON, NOON + HOUR, drift, shown, ())


def look(
    at: datetime,
    findings: WindowFindings,
    past: list[WindowMonitored],
    rows: int = 200,
    config: ModelConfig = WATCHED,
    digest: str = "c1",
) -> WindowMonitored:
    looked = conclude(window_from(at, digest), findings, rows, "f", past, config)
    past.append(looked)
    return looked


def test_the_first_window_begins_when_the_champion_did() -> None:
    window = plan_window("c1", NOON - DAY, None, HOUR, NOON)
    assert (window.start, window.end) == (NOON - DAY, NOON)
    assert (window.labelled_start, window.labelled_end) == (NOON - DAY, NOON - HOUR)


def test_the_next_window_begins_where_the_last_one_ended() -> None:
    looked = look(NOON, found(Outcome.PASS), [])
    window = plan_window("c1", NOON - DAY, looked, DAY, NOON + 2 * HOUR)
    assert window == Window("c1", NOON + HOUR, NOON + 2 * HOUR, NOON + HOUR - DAY, NOON + 2 * HOUR - DAY)


def test_a_window_of_too_few_rows_goes_on() -> None:
    looked = look(NOON, found(Outcome.INCONCLUSIVE), [], rows=99)
    window = plan_window("c1", NOON - DAY, looked, DAY, NOON + 2 * HOUR)
    assert (window.start, window.labelled_start) == (NOON, NOON + HOUR - DAY)


def test_too_few_labels_are_waited_for() -> None:
    looked = look(NOON, found(Outcome.PASS, labels=49), [])
    window = plan_window("c1", NOON - DAY, looked, DAY, NOON + 2 * HOUR)
    assert (window.start, window.labelled_start) == (NOON + HOUR, NOON - DAY)


def test_a_new_champion_is_not_held_to_what_came_before_it() -> None:
    looked = look(NOON, found(Outcome.FAIL), [])
    window = plan_window("c2", NOON + 2 * HOUR, looked, DAY, NOON + 3 * HOUR)
    assert (window.start, window.labelled_start) == (NOON + 2 * HOUR, NOON + 2 * HOUR)
    assert window.labelled_end == window.labelled_start  # no label can be due yet


def test_a_time_to_come_hides_nothing_until_it_has_come() -> None:
    ahead = look(NOON + 365 * DAY, found(Outcome.PASS, labels=49), [])
    window = plan_window("c1", NOON - DAY, ahead, DAY, NOON)
    assert window == Window("c1", NOON, NOON, NOON, NOON)
    window = plan_window("c1", NOON + 365 * DAY, None, None, NOON)
    assert window == Window("c1", NOON, NOON, NOON, NOON)


def test_a_look_that_ended_after_another_was_promoted_is_none_of_its_own() -> None:
    looked = look(NOON, found(Outcome.PASS), [])
    assert plan_window("c2", NOON + HOUR / 2, looked, DAY, NOON + 2 * HOUR).start == NOON + HOUR / 2


def test_as_many_rows_as_are_needed_are_enough() -> None:
    assert look(NOON, found(Outcome.PASS), [], rows=100).next_start == NOON + HOUR


def test_a_clock_that_was_set_back_gives_an_empty_window_and_no_negative_one() -> None:
    looked = look(NOON, found(Outcome.PASS), [])
    window = plan_window("c1", NOON - DAY, looked, None, NOON)
    assert window.start == window.end == NOON
    assert window.labelled_start <= window.labelled_end


def test_drift_asks_once_it_has_stood_for_enough_windows() -> None:
    past: list[WindowMonitored] = []
    assert look(NOON, found(Outcome.FAIL), past).drift is None
    second = look(NOON + HOUR, found(Outcome.FAIL), past).drift
    assert second is not None
    assert (second.since, second.windows, second.columns) == (NOON, 2, ("km",))


def test_a_window_without_drift_begins_the_count_anew() -> None:
    past: list[WindowMonitored] = []
    for hours, outcome in enumerate([Outcome.FAIL, Outcome.PASS, Outcome.FAIL]):
        looked = look(NOON + hours * HOUR, found(outcome), past)
    assert looked.drift is None


def test_a_window_of_which_nothing_is_known_neither_clears_nor_confirms() -> None:
    past: list[WindowMonitored] = []
    look(NOON, found(Outcome.FAIL), past)
    assert look(NOON + HOUR, found(Outcome.INCONCLUSIVE), past).drift is None
    third = look(NOON + 2 * HOUR, found(Outcome.FAIL), past).drift
    assert third is not None
    assert (third.since, third.windows) == (NOON, 2)


def test_drift_is_not_asked_for_again_by_a_window_of_which_nothing_is_known() -> None:
    past: list[WindowMonitored] = []
    look(NOON, found(Outcome.FAIL), past)
    look(NOON + HOUR, found(Outcome.FAIL), past)
    assert look(NOON + 2 * HOUR, found(Outcome.INCONCLUSIVE), past).drift is None


def test_a_drift_keeps_its_beginning_when_it_is_not_remembered_any_more() -> None:
    past: list[WindowMonitored] = []
    for hours in range(5):
        looked = look(NOON + hours * HOUR, found(Outcome.FAIL, Outcome.FAIL), past)
        del past[:-2]
    assert looked.drift is not None
    assert looked.decay is not None
    assert (looked.drift.since, looked.decay.since) == (NOON, NOON - DAY)


def test_another_champions_windows_do_not_count() -> None:
    past: list[WindowMonitored] = []
    look(NOON, found(Outcome.FAIL), past, digest="c0")
    assert look(NOON + HOUR, found(Outcome.FAIL), past).drift is None


def test_decay_asks_with_the_loss_and_its_level() -> None:
    past: list[WindowMonitored] = []
    assert look(NOON, found(Outcome.PASS, Outcome.FAIL), past).decay is None
    decay = look(NOON + HOUR, found(Outcome.PASS, Outcome.FAIL), past).decay
    assert decay is not None
    assert (decay.since, decay.windows, decay.metric) == (NOON - DAY, 2, "mae")
    assert abs(decay.excess_loss - 0.3) < 1e-9


def test_a_decay_began_with_the_answers_whose_labels_show_it() -> None:
    once = WATCHED.model_copy(update={"performance": PERFORMANCE.model_copy(update={"windows": 1})})
    decay = look(NOON, found(Outcome.PASS, Outcome.FAIL), [], config=once).decay
    assert decay is not None
    assert decay.since == NOON - DAY


def test_what_model_toml_does_not_ask_for_asks_for_nothing() -> None:
    config = WATCHED.model_copy(update={"drift": None, "performance": None})
    past: list[WindowMonitored] = []
    for hours in range(3):
        looked = look(
            NOON + hours * HOUR, found(Outcome.FAIL, Outcome.FAIL, labels=0), past, rows=0, config=config
        )
    assert (looked.drift, looked.decay) == (None, None)
    assert looked.next_start == looked.end


def test_people_are_told_when_something_begins_to_fail_and_not_at_every_look() -> None:
    past: list[WindowMonitored] = []
    fails, passes, nothing = Outcome.FAIL, Outcome.PASS, Outcome.INCONCLUSIVE
    looks = [
        (fails, passes),
        (fails, fails),
        (passes, fails),
        (nothing, nothing),
        (fails, nothing),
        (fails, fails),
    ]
    alarms = [
        look(NOON + hours * HOUR, found(data, performance), past).alarms
        for hours, (data, performance) in enumerate(looks)
    ]
    assert alarms == [("data drift",), ("performance",), (), (), ("data drift",), ()]


def test_what_was_found_stands_until_something_else_is() -> None:
    past: list[WindowMonitored] = []
    look(NOON, found(Outcome.FAIL, Outcome.PASS), past)
    look(NOON + HOUR, found(Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE), past)
    looked = look(NOON + 2 * HOUR, found(Outcome.INCONCLUSIVE, Outcome.FAIL), past)
    assert [(one.rule, one.outcome) for one in looked.standing] == [
        ("data drift", Outcome.FAIL),
        ("performance", Outcome.FAIL),
    ]
    other = look(NOON + 3 * HOUR, found(Outcome.INCONCLUSIVE), past, digest="c2")
    assert other.standing[0].outcome is Outcome.INCONCLUSIVE


def test_target_drift_alone_is_drift_and_is_what_is_named() -> None:
    one = found(Outcome.PASS)
    assert one.drift is not None
    column = replace(one.drift.columns[0], outcome=Outcome.FAIL)  # one of many that may drift
    target = Verdict(Watched.TARGET, Outcome.FAIL, "0.4 of 0.1")
    verdicts = (*one.drift.verdicts, target)
    drifted = replace(one, drift=replace(one.drift, columns=(column,), verdicts=verdicts))
    past: list[WindowMonitored] = []
    look(NOON, drifted, past)
    drift = look(NOON + HOUR, drifted, past).drift
    assert drift is not None
    assert drift.columns == ("target drift",)
