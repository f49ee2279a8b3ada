"""What a recorded drift or decay leads to, exactly once; what no training can mend goes to a person."""

import shutil
from datetime import datetime, timedelta

import pytest

from millrace.domain.decision import Reason
from millrace.domain.facts import Action, AttentionAsked, ChallengerTrained, DecisionMade
from millrace.domain.verdict import Outcome
from millrace.domain.work import FlowName, Work
from millrace.steps.alerts import list_due_alerts
from millrace.steps.automation import pause_model, resume_model
from millrace.steps.decide import decide_retraining
from millrace.steps.detections import list_open
from millrace.steps.gate import judge_challenger
from millrace.steps.inbox import InboxWatch
from millrace.steps.rows import load_rows
from millrace.steps.serve import roll_back
from millrace.steps.stores import ledger
from millrace.steps.train import train_challenger
from millrace.steps.work import AFTER_THE_EVENT, AT_ONCE, find_work
from tests.conftest import NOON, Home
from tests.detected import record_decay, record_drift, record_nothing
from tests.loop import retrain, take_in

FEBRUARY = datetime(2013, 3, 1, 12, tzinfo=NOON.tzinfo)
MAY = datetime(2013, 5, 1, 12, tzinfo=NOON.tzinfo)
HOUR = timedelta(hours=1)
YESTERDAY = NOON - timedelta(days=1)


@pytest.fixture
def watched(fares: Home) -> Home:
    """A champion that has learned from January and February; a month is too little for another by itself."""
    fares.rewrite("fares", "min_new_rows = 500", "min_new_rows = 2_000")
    take_in("fares", FEBRUARY)
    assert retrain("fares", FEBRUARY).decision.action is Action.TRAIN
    return fares


def works(now: datetime) -> list[Work]:
    return find_work("fares", InboxWatch(), now)


def told(found: list[Work]) -> list[tuple[FlowName, str]]:
    return [(work.flow, work.reason) for work in found]


def answered(home: Home) -> list[int]:
    made = home.facts("fares", DecisionMade)
    return [seq for fact in made if isinstance(fact, DecisionMade) for seq in fact.answers]


def attention(home: Home) -> list[AttentionAsked]:
    return [fact for fact in home.facts("fares", AttentionAsked) if isinstance(fact, AttentionAsked)]


def test_a_recorded_drift_trains_on_fewer_new_rows_than_would_ask_by_themselves(watched: Home) -> None:
    take_in("fares", NOON)
    assert works(NOON) == []
    seq = record_drift("fares", NOON, YESTERDAY)
    [work] = works(NOON)
    assert (work.flow, work.reason, work.patience) == (FlowName.RETRAIN, "drift", AFTER_THE_EVENT)
    result = retrain("fares", NOON, Reason.DRIFT)
    assert result.trained is not None
    assert result.decision.answers == (seq,)
    assert result.decision.reason == (
        "drift: share 0.41 of the columns (distance_km) in 2 windows since 2013-03-31 12:00 UTC"
    )
    assert list_open("fares") == ()


def test_decay_is_a_reason_of_its_own(watched: Home) -> None:
    take_in("fares", NOON)
    seq = record_decay("fares", NOON, YESTERDAY)
    assert told(works(NOON)) == [(FlowName.RETRAIN, "decay")]
    decision = retrain("fares", NOON, Reason.DECAY).decision
    assert (decision.action, decision.answers) == (Action.TRAIN, (seq,))


def test_whoever_comes_second_finds_a_drift_answered(watched: Home) -> None:
    take_in("fares", NOON)
    seq = record_drift("fares", NOON, YESTERDAY)
    retrain("fares", NOON, Reason.DRIFT)
    late = retrain("fares", NOON + 9 * HOUR, Reason.DRIFT)
    assert late.decision.reason == "no drift is recorded that is not answered"
    assert answered(watched) == [seq]


def test_a_forged_event_trains_nothing(watched: Home) -> None:
    take_in("fares", NOON)
    decision = retrain("fares", NOON, Reason.DRIFT).decision
    assert (decision.action, decision.answers) == (Action.SKIP, ())
    assert decision.reason == "no drift is recorded that is not answered"


def test_one_decision_answers_all_that_was_found_until_then(watched: Home) -> None:
    take_in("fares", NOON)
    seqs = [record_drift("fares", NOON, YESTERDAY), record_decay("fares", NOON, YESTERDAY)]
    assert list(retrain("fares", NOON, Reason.DECAY).decision.answers) == seqs


def test_during_a_cooldown_a_drift_waits_and_is_not_lost(watched: Home) -> None:
    take_in("fares", NOON)
    at = FEBRUARY + HOUR
    seq = record_drift("fares", at, FEBRUARY)
    decision = retrain("fares", at, Reason.DRIFT).decision
    assert (decision.action, decision.answers) == (Action.SKIP, ())
    before = watched.kinds("fares")
    assert works(at) == []
    assert attention(watched) == []
    assert told(works(FEBRUARY + 7 * HOUR)) == [(FlowName.RETRAIN, "drift")]
    assert watched.kinds("fares") == before
    assert retrain("fares", FEBRUARY + 7 * HOUR, Reason.DRIFT).decision.answers == (seq,)


def test_while_a_model_is_paused_a_drift_waits(watched: Home) -> None:
    record_drift("fares", NOON, YESTERDAY)
    pause_model("fares", "the agency resends March", NOON)
    assert retrain("fares", NOON, Reason.DRIFT).decision.answers == ()
    assert works(NOON) == []
    resume_model("fares", "it is here", NOON)
    assert told(works(NOON)) == [(FlowName.RETRAIN, "drift")]


def test_without_a_new_row_a_person_is_asked_once_for_each_drift(watched: Home) -> None:
    first = record_drift("fares", NOON, YESTERDAY)
    [work] = works(NOON)
    assert (work.key, work.reason) == (f"answer:fares:{first}", "drift")
    decision = retrain("fares", NOON, Reason.DRIFT).decision
    assert (decision.action, decision.answers) == (Action.SKIP, (first,))
    assert decision.reason.startswith("same inputs as the last finished training: ")
    assert works(NOON) == []
    record_drift("fares", NOON + HOUR, YESTERDAY)
    retrain("fares", NOON + HOUR, Reason.DRIFT)
    assert [fact.since for fact in attention(watched)] == [YESTERDAY]
    record_drift("fares", NOON + 2 * HOUR, NOON)
    retrain("fares", NOON + 2 * HOUR, Reason.DRIFT)
    assert [fact.since for fact in attention(watched)] == [YESTERDAY, NOON]


def test_whom_to_ask_is_told_what_to_do(watched: Home) -> None:
    record_drift("fares", NOON, YESTERDAY)
    retrain("fares", NOON, Reason.DRIFT)
    [alert] = [alert for _entry, alert in list_due_alerts("fares") if "person" in alert.title]
    assert alert.title == "fares: no training can mend what was found, a person has to look"
    assert alert.body.splitlines()[0].startswith("drift: share 0.41 of the columns (distance_km) in 2 ")
    assert alert.body.endswith("then `millrace retrain fares --force`.")
    assert "labelled rows of the time since 2013-03-31 12:00 UTC" in alert.body
    assert alert.page == "models/fares/monitoring"


def test_a_training_that_died_is_taken_up_again_and_the_drift_is_answered_once(watched: Home) -> None:
    take_in("fares", NOON)
    seq = record_drift("fares", NOON, YESTERDAY)
    decided = decide_retraining("fares", Reason.DRIFT, False, NOON, "a run")
    assert decided.claim is not None
    assert works(NOON) == []
    ledger().release(decided.claim)
    [work] = works(NOON)
    assert (work.reason, work.patience) == ("drift", AT_ONCE)
    again = retrain("fares", NOON, Reason.DRIFT)
    assert again.trained is not None
    assert answered(watched) == [seq]
    assert list_open("fares") == ()


def test_a_run_that_died_after_its_challenger_was_refused_is_taken_up_and_not_taken_for_tried(
    watched: Home,
) -> None:
    take_in("fares", NOON)
    seq = record_drift("fares", NOON, YESTERDAY)
    decided = decide_retraining("fares", Reason.DRIFT, False, NOON, "a run")
    assert decided.claim is not None
    rows = load_rows("fares", decided.decision.inputs.dataset, NOON)
    trained = train_challenger("fares", rows, decided.decision, decided.claim, NOON, lambda _one, _all: None)
    assert judge_challenger("fares", rows, trained, decided.claim, NOON).outcome is not Outcome.PASS
    ledger().release(decided.claim)
    [work] = works(NOON)
    assert work.key == decided.decision.run_key
    assert retrain("fares", NOON, Reason.DRIFT).trained == trained
    assert answered(watched) == [seq]
    assert attention(watched) == []


def test_while_a_run_trains_a_doubled_event_answers_nothing(watched: Home) -> None:
    take_in("fares", NOON)
    seq = record_drift("fares", NOON, YESTERDAY)
    decide_retraining("fares", Reason.DRIFT, False, NOON, "one run")
    doubled = decide_retraining("fares", Reason.DRIFT, False, NOON, "another run").decision
    assert (doubled.action, doubled.answers) == (Action.SKIP, ())
    assert "is being done by run one run" in doubled.reason
    assert answered(watched) == [seq]


def test_what_was_trained_in_vain_since_the_drift_began_is_not_tried_again(watched: Home) -> None:
    take_in("fares", NOON)
    record_drift("fares", NOON, YESTERDAY)
    refused = retrain("fares", NOON, Reason.DRIFT).judged
    assert refused is not None
    assert refused.outcome is not Outcome.PASS
    take_in("fares", MAY)
    seq = record_drift("fares", MAY, YESTERDAY)
    assert told(works(MAY)) == [(FlowName.RETRAIN, "drift")]
    decision = retrain("fares", MAY, Reason.DRIFT).decision
    assert (decision.action, decision.answers) == (Action.SKIP, (seq,))
    assert decision.reason.startswith(f"already tried: challenger {refused.digest[:12]} was refused: ")
    assert decision.reason.endswith("; 1,020 new rows since, 2,000 needed to try again")
    assert [fact.since for fact in attention(watched)] == [YESTERDAY]
    assert works(MAY) == []


def test_a_training_from_before_a_drift_was_recorded_is_not_blamed_however_long_the_window(
    watched: Home,
) -> None:
    take_in("fares", NOON)
    refused = retrain("fares", NOON, Reason.BY_HAND, force=True).judged
    assert refused is not None
    assert refused.outcome is not Outcome.PASS
    take_in("fares", MAY)
    record_drift("fares", MAY, YESTERDAY)
    assert retrain("fares", MAY, Reason.DRIFT).trained is not None
    assert attention(watched) == []


def test_a_decay_is_told_also_when_the_drift_before_it_was(watched: Home) -> None:
    record_drift("fares", NOON, YESTERDAY)
    retrain("fares", NOON, Reason.DRIFT)
    for _ in range(2):
        record_drift("fares", NOON + HOUR, YESTERDAY)
        record_decay("fares", NOON + HOUR, YESTERDAY)
        retrain("fares", NOON + HOUR, Reason.DECAY)
    assert [fact.reason.partition(":")[0] for fact in attention(watched)] == ["drift", "decay"]


def test_a_drift_that_began_after_the_refused_training_is_tried(watched: Home) -> None:
    take_in("fares", NOON)
    record_drift("fares", NOON, YESTERDAY)
    retrain("fares", NOON, Reason.DRIFT)
    take_in("fares", MAY)
    record_drift("fares", MAY, MAY - HOUR)
    assert retrain("fares", MAY, Reason.DRIFT).trained is not None
    assert attention(watched) == []


def test_a_new_champion_ends_what_was_found_of_the_old_one_for_good(watched: Home) -> None:
    take_in("fares", NOON)
    watched.learn_from("fares", "distance_km", "tariff")
    promoted = retrain("fares", NOON).trained
    record_drift("fares", NOON, YESTERDAY)
    watched.learn_from("fares", "distance_km", "tariff", "luggage")
    assert retrain("fares", NOON + HOUR, force=True).judged is not None
    assert promoted is not None
    record_drift("fares", NOON + HOUR, YESTERDAY, promoted.digest)
    assert list_open("fares") == ()
    roll_back("fares", "a test", NOON + 2 * HOUR)
    assert watched.serving("fares").champion == promoted.digest
    assert list_open("fares") == ()
    assert len(watched.facts("fares", ChallengerTrained)) == 3


def test_a_look_that_found_nothing_is_no_work(watched: Home) -> None:
    take_in("fares", NOON)
    record_nothing("fares", NOON)
    assert works(NOON) == []


def test_a_ledger_that_took_the_place_of_another_is_read_anew(watched: Home) -> None:
    path = watched.path / "var" / "ledger.sqlite"
    backup = path.with_suffix(".backup")
    ledger().close()
    shutil.copyfile(path, backup)
    record_drift("fares", NOON, YESTERDAY)
    assert len(list_open("fares")) == 1
    ledger().close()
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        path.with_name(name).unlink(missing_ok=True)
    backup.replace(path)
    assert list_open("fares") == ()
    record_nothing("fares", NOON)
    record_drift("fares", NOON, NOON - HOUR)
    assert [one.drift.since for one in list_open("fares") if one.drift] == [NOON - HOUR]
