"""What is asked twice a second reads no further back than it must: an entry that cannot be read shows it."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from millrace.domain.facts import Action, ChallengerTrained, DecisionMade, Inputs, WindowMonitored
from millrace.domain.ledger import BrokenChainError
from millrace.steps.detections import list_open
from millrace.steps.retrain_facts import gather_facts
from millrace.steps.silence import notice_silence
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home
from tests.detected import record_drift
from tests.loop import retrain, take_in
from tests.steps.test_silence import look, watch

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def spoil(home: Home, kind: type) -> None:
    """Make the oldest entry of a kind one that cannot be read."""
    with sqlite3.connect(home.path / "var" / "ledger.sqlite") as connection:
        connection.execute(
            "UPDATE entries SET body = '{' WHERE seq = (SELECT min(seq) FROM entries WHERE kind = ?)",
            (kind.__name__,),
        )
    with pytest.raises(BrokenChainError):
        ledger().entries("fares", (kind,))


def decide_by_hand(answers: tuple[int, ...] = ()) -> None:
    made = DecisionMade("a key", Action.SKIP, "by a test", (), Inputs("d", "m", "l"), (), answers)
    ledger().append("fares", made, NOON, "a test")


def test_what_is_missed_is_told_by_the_newest_looks_and_decisions(fares: Home) -> None:
    take_in("fares", NOON)
    watch(fares, requests="2d", labels="2d", monitor="2d")
    for hour in range(1, 40):
        look(fares, NOON + hour * HOUR, 100, 20)
        decide_by_hand()
    spoil(fares, WindowMonitored)
    spoil(fares, DecisionMade)
    assert notice_silence("fares", "a controller", NOON + DAY) == []


def test_the_budget_counts_the_trainings_of_a_day(fares: Home) -> None:
    take_in("fares", NOON)
    result = retrain("fares", NOON - 2 * DAY)
    trained, judged = result.trained, result.judged
    assert trained is not None
    assert judged is not None
    other = replace(trained, run_key="another")
    for number in range(80):
        ledger().append("fares", other, NOON - 40 * HOUR + number * HOUR / 2, "a test")
    for fact in (trained, judged):
        ledger().append("fares", fact, NOON, "a test")
    spoil(fares, ChallengerTrained)
    inputs = Inputs("d", "m", "l")
    assert gather_facts("fares", inputs, frozenset(), NOON).trained_in_last_24h == 48


def test_what_was_looked_at_and_decided_is_read_once(fares: Home) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    answered = record_drift("fares", NOON, NOON)
    decide_by_hand((answered,))
    assert list_open("fares") == ()
    spoil(fares, WindowMonitored)
    spoil(fares, DecisionMade)
    still_open = record_drift("fares", NOON + HOUR, NOON)
    assert [(one.seq, one.first_seq) for one in list_open("fares")] == [(still_open, answered)]
    decide_by_hand((still_open,))
    assert list_open("fares") == ()
