"""Which drift and decay is still to be answered, and what was tried in vain against it?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from millrace.domain.decision import decides_period, find_failed_try, list_open_detections
from millrace.domain.decision.detection import tell_drift
from millrace.domain.decision.facts import Reason
from millrace.domain.facts import (
    Action,
    Agreement,
    ChallengerJudged,
    ChallengerTrained,
    ChampionRolledBack,
    Decay,
    DecisionMade,
    Drift,
    Fact,
    Inputs,
    RolloutAborted,
    RuleFinding,
    WindowMonitored,
)
from millrace.domain.ledger import Entry, next_entry
from millrace.domain.verdict import Outcome

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
A, B = "a" * 64, "b" * 64
INPUTS = Inputs("d", "m", "l")
DONE = frozenset({"a run"}).__contains__
DRIFT, DECAY = Drift(NOON, 2, 0.36, ("hour",)), Decay(NOON, 2, "auc", 0.41, 0.31)


def written(*facts: Fact, at: datetime = NOON) -> list[Entry]:
    entries: list[Entry] = []
    for fact in facts:
        entries.append(next_entry(entries[-1] if entries else None, at, "tests", "fares", fact))
    return entries


def window(drift: Drift | None = None, decay: Decay | None = None, digest: str = A) -> WindowMonitored:
    return WindowMonitored(
        digest, NOON, NOON, NOON, 2_000, 0, NOON, NOON, (), (), "0" * 64, drift=drift, decay=decay
    )


def decided(
    action: Action, *answers: int, key: str = "a run", inputs: Inputs = INPUTS, asked: tuple[str, ...] = ()
) -> DecisionMade:
    return DecisionMade(key, action, "why", (), inputs, asked, answers)


def trained(digest: str = B, inputs: Inputs = INPUTS) -> ChallengerTrained:
    return ChallengerTrained(
        "a run", digest, "onnx", A, 0.5, inputs, 100, Agreement(1, 0.0, 0), {}, (), 1.0, None
    )


def judged(outcome: Outcome, digest: str = B) -> ChallengerJudged:
    return ChallengerJudged("a run", digest, A, outcome, "AUC 0.6 against 0.7", (), "r", "g", {}, 1)


def seqs(*facts: Fact, done: frozenset[str] = frozenset()) -> list[int]:
    return [one.seq for one in list_open_detections(written(*facts), A, done.__contains__)]


def test_a_window_without_drift_or_decay_detects_nothing() -> None:
    assert seqs(window()) == []


def test_drift_and_decay_of_the_champion_wait_for_an_answer_and_those_of_another_version_do_not() -> None:
    assert seqs(window(DRIFT), window(decay=DECAY), window(DRIFT, digest=B)) == [1, 2]


def test_what_goes_on_was_first_recorded_by_the_entry_of_the_same_kind_and_beginning() -> None:
    later = replace(DRIFT, since=NOON + timedelta(hours=1))
    facts = (window(DRIFT), decided(Action.SKIP, 1), window(DRIFT), window(decay=DECAY), window(DRIFT, DECAY))
    found = list_open_detections(written(*facts, window(later)), A, frozenset[str]().__contains__)
    assert [(one.seq, one.first_seq) for one in found] == [(3, 1), (4, 4), (5, 4), (6, 6)]


@pytest.mark.parametrize("action", [Action.SKIP, Action.BLOCK])
def test_an_answer_without_a_training_is_one_at_once(action: Action) -> None:
    assert seqs(window(DRIFT), window(DRIFT), decided(action, 1)) == [2]


def test_a_decision_that_answers_nothing_leaves_all_open() -> None:
    assert seqs(window(DRIFT), decided(Action.SKIP)) == [1]


def test_a_training_is_an_answer_once_it_has_come_to_its_end() -> None:
    facts = (window(DRIFT), decided(Action.TRAIN, 1))
    [begun] = list_open_detections(written(*facts), A, frozenset[str]().__contains__)
    assert begun.begun == {"a run"}
    assert seqs(*facts, done=frozenset({"a run"})) == []


def test_a_training_that_died_and_was_given_up_for_good_is_answered() -> None:
    assert seqs(window(DRIFT), decided(Action.TRAIN, 1), decided(Action.SKIP, 1)) == []


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (judged(Outcome.FAIL), f"challenger {B[:12]} was refused: AUC 0.6 against 0.7"),
        (judged(Outcome.INCONCLUSIVE), f"challenger {B[:12]} was refused: AUC 0.6 against 0.7"),
        (RolloutAborted(B, 3, "errors"), f"the rollout of challenger {B[:12]} was aborted: errors"),
        (ChampionRolledBack(A, B, 4, "worse"), f"{B[:12]} was rolled back: worse"),
    ],
)
def test_a_challenger_that_came_to_nothing_was_tried(after: Fact, words: str) -> None:
    entries = written(decided(Action.TRAIN), trained(), after)
    assert find_failed_try(entries, DONE) == words
    assert find_failed_try(entries, frozenset[str]().__contains__) is None


def test_what_was_decided_on_before_is_not_tried_though_it_was_trained_after() -> None:
    assert find_failed_try(written(trained(), judged(Outcome.FAIL)), DONE) is None


def test_a_challenger_that_passed_was_not_in_vain_and_a_refused_refit_proves_nothing() -> None:
    assert find_failed_try(written(decided(Action.TRAIN), trained(), judged(Outcome.PASS)), DONE) is None
    refit = Inputs("d", "m", "l", "p")
    begun = (decided(Action.TRAIN, inputs=refit), trained(inputs=refit))
    assert find_failed_try(written(*begun, judged(Outcome.FAIL)), DONE) is None


def test_a_refit_decides_no_period_of_full_trainings_and_a_full_training_one_of_refits() -> None:
    asks = (RuleFinding("asked", "refit", Action.TRAIN),)
    refit = DecisionMade("a run", Action.TRAIN, "why", asks, Inputs("d", "m", "l", "p"), ("refit",))
    assert [decides_period(refit, one) for one in (Reason.SCHEDULE, Reason.REFIT)] == [False, True]
    full = decided(Action.TRAIN, asked=("schedule",))
    assert [decides_period(full, one) for one in (Reason.SCHEDULE, Reason.REFIT)] == [True, True]


def test_what_was_skipped_for_want_of_anything_that_asks_decides_no_period() -> None:
    idle = decided(Action.SKIP, asked=("drift",))
    held = DecisionMade("a run", Action.SKIP, "why", (RuleFinding("drift", "0.4", Action.TRAIN),), INPUTS)
    assert [decides_period(one, Reason.SCHEDULE) for one in (idle, held)] == [False, True]
    assert not decides_period(held, Reason.REFIT)


def test_a_drift_of_what_is_answered_alone_names_no_share_of_the_inputs() -> None:
    since = datetime(2013, 4, 1, 6, tzinfo=UTC)
    assert tell_drift(Drift(since, 1, 0.05, ("prediction drift", "target drift"))) == (
        "drift: prediction drift and target drift in 1 window since 2013-04-01 06:00 UTC"
    )
