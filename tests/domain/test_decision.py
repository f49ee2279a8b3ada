"""When is a model retrained, and when is it left alone?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.canonical import sha256_of
from millrace.domain.config import RetrainSection
from millrace.domain.decision import (
    DecisionFacts,
    Detection,
    Reason,
    answers,
    decide,
    is_final,
    run_key,
)
from millrace.domain.facts import Action, Decay, Drift, Inputs

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
BEFORE = Inputs(dataset="d1", model_files="m1", lock="l1")
MORE_DATA = replace(BEFORE, dataset="d2")
POLICY = RetrainSection(min_new_rows=1_000, cooldown=timedelta(hours=6), budget_per_day=4)

DUE = DecisionFacts(
    asked=frozenset({Reason.SCHEDULE}),
    asked_text="",
    forced=False,
    now=NOON,
    inputs=MORE_DATA,
    last_inputs=BEFORE,
    last_outcome="bundle 3f2a, pass",
    last_trained_at=NOON - timedelta(days=1),
    trained_in_last_24h=1,
    new_rows=1_240,
    rows=90_000,
    has_champion=True,
    recent_blocks=14,
    golden_blocks=14,
    min_blocks=14,
)
IDLE = replace(DUE, asked=frozenset(), inputs=BEFORE, new_rows=0, last_inputs=None)
"""Nothing asks, nothing forbids but the want of new rows."""

SINCE = datetime(2013, 5, 30, 6, tzinfo=UTC)
DRIFT = Detection(41, Drift(SINCE, 2, 0.36, ("distance", "hour")), None)
DECAY = Detection(43, None, Decay(SINCE, 3, "auc", 0.41, 0.31))
DRIFTED = replace(DUE, asked=frozenset(), new_rows=3, detections=(DRIFT,))
"""Only a recorded drift asks, and three new rows are there to learn from."""
MINOR = POLICY.model_copy(update={"schedule": "0 3 * * *", "refit_schedule": "0 * * * *"})
REFIT = replace(DUE, asked=frozenset({Reason.REFIT}), inputs=replace(MORE_DATA, parameters="p1"))


def finding(facts: DecisionFacts, rule: str) -> tuple[str, Action | None]:
    found = {found.rule: found for found in decide(facts, POLICY).findings}[rule]
    return found.finding, found.action


def test_a_schedule_with_enough_new_rows_trains() -> None:
    decision = decide(DUE, POLICY)
    assert decision.action is Action.TRAIN
    assert decision.reason == "asked for: schedule; 1,240 new rows since the last training, 1,000 needed"


def test_the_words_of_who_asked_are_the_reason() -> None:
    decision = decide(replace(DUE, asked=frozenset({Reason.BY_HAND}), asked_text="by hand, ana"), POLICY)
    assert decision.reason.startswith("by hand, ana; ")


@pytest.mark.parametrize("reason", [Reason.SCHEDULE, Reason.REFIT, Reason.CODE, Reason.BY_HAND])
def test_every_reason_from_outside_can_ask(reason: Reason) -> None:
    permissive = POLICY.model_copy(update={"min_new_rows": 0})
    decision = decide(replace(DUE, asked=frozenset({reason}), new_rows=0), permissive)
    assert (decision.action, decision.reason) == (Action.TRAIN, f"asked for: {reason}")


def test_new_rows_ask_by_themselves() -> None:
    decision = decide(replace(DUE, asked=frozenset()), POLICY)
    assert decision.action is Action.TRAIN
    assert decision.reason == "1,240 new rows since the last training, 1,000 needed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replace(BEFORE, model_files="m2"), "the model's folder has changed"),
        (replace(BEFORE, lock="l2"), "the locked versions of what trains and exports have changed"),
    ],
)
def test_a_change_of_code_or_config_asks_and_needs_no_new_rows(change: Inputs, reason: str) -> None:
    facts = replace(DUE, asked=frozenset(), inputs=change, new_rows=3)
    decision = decide(facts, POLICY)
    assert (decision.action, decision.reason) == (Action.TRAIN, reason)
    exempt = "3 new rows since the last training, 1,000 needed, but not after a change of code or config"
    assert finding(facts, Reason.NEW_ROWS) == (exempt, None)


def test_a_model_without_a_champion_asks_and_needs_no_new_rows() -> None:
    facts = replace(DUE, asked=frozenset(), has_champion=False, new_rows=3)
    decision = decide(facts, POLICY)
    assert (decision.action, decision.reason) == (Action.TRAIN, "no champion yet")
    exempt = "3 new rows since the last training, 1,000 needed, but not without a champion"
    assert finding(facts, Reason.NEW_ROWS) == (exempt, None)


def test_the_first_training_ever_is_decided_without_a_last_one() -> None:
    facts = replace(
        DUE,
        has_champion=False,
        last_inputs=None,
        last_trained_at=None,
        last_outcome="",
        trained_in_last_24h=0,
        new_rows=90_000,
    )
    assert decide(facts, POLICY).action is Action.TRAIN
    assert finding(facts, "same inputs") == ("no finished training yet", None)
    assert finding(facts, "cooldown") == ("no finished training yet", None)


def test_nothing_asks_so_nothing_is_trained() -> None:
    permissive = POLICY.model_copy(update={"min_new_rows": 0})
    decision = decide(IDLE, permissive)
    assert (decision.action, decision.reason) == (Action.SKIP, "nothing asks for a training")


def test_too_few_new_rows_skip_what_a_schedule_asks() -> None:
    decision = decide(replace(DUE, new_rows=999), POLICY)
    assert decision.action is Action.SKIP
    assert decision.reason == "999 new rows since the last training, 1,000 needed"


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("has_champion", [False, True])
def test_equal_inputs_are_never_trained_again(forced: bool, has_champion: bool) -> None:
    facts = replace(DUE, inputs=BEFORE, forced=forced, has_champion=has_champion)
    decision = decide(facts, POLICY)
    force = "; force cannot help, equal inputs give the same bundle" if forced else ""
    assert decision.action is Action.SKIP
    assert decision.reason == f"same inputs as the last finished training: bundle 3f2a, pass{force}"


def test_a_cooldown_skips_until_it_is_over() -> None:
    during = replace(DUE, last_trained_at=NOON - timedelta(hours=5, minutes=59, microseconds=7))
    decision = decide(during, POLICY)
    assert (decision.action, decision.reason) == (
        Action.SKIP,
        "last trained 5:59:00 ago, cooldown 6:00:00",
    )
    assert decide(replace(DUE, last_trained_at=NOON - timedelta(hours=6)), POLICY).action is Action.TRAIN


def test_a_clock_that_stepped_back_skips_and_says_so() -> None:
    facts = replace(DUE, last_trained_at=NOON + timedelta(hours=2))
    decision = decide(facts, POLICY)
    reason = "the last training is 2:00:00 in the future: check the clock of this machine"
    assert (decision.action, decision.reason) == (Action.SKIP, reason)
    assert decide(replace(facts, forced=True), POLICY).action is Action.TRAIN


def test_a_spent_budget_skips() -> None:
    decision = decide(replace(DUE, trained_in_last_24h=4), POLICY)
    reason = "4 of 4 trainings used in the last 24 hours"
    assert (decision.action, decision.reason) == (Action.SKIP, reason)
    assert decide(replace(DUE, trained_in_last_24h=3), POLICY).action is Action.TRAIN


def test_force_lifts_rows_cooldown_and_budget_and_says_so() -> None:
    facts = replace(DUE, forced=True, new_rows=0, last_trained_at=NOON, trained_in_last_24h=9)
    decision = decide(facts, POLICY)
    lifted = {found.rule: found.finding for found in decision.findings if "overridden" in found.finding}
    assert decision.action is Action.TRAIN
    assert lifted == {
        "new rows": "0 new rows since the last training, 1,000 needed; overridden by force",
        "cooldown": "last trained 0:00:00 ago, cooldown 6:00:00; overridden by force",
        "budget": "9 of 4 trainings used in the last 24 hours; overridden by force",
    }


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("lack", "reason"),
    [
        ({"rows": 0}, "no rows to train on: give the model a batch and run `millrace ingest`"),
        (
            {"recent_blocks": 13},
            "recent set has 13 blocks, 14 needed to judge: bring newer rows, or raise share or window of "
            "[recent] in model.toml",
        ),
        (
            {"golden_blocks": 0},
            "golden set has 0 blocks, 14 needed to judge: bring rows of more blocks, or raise share or until "
            "of [golden] in model.toml",
        ),
    ],
)
def test_what_cannot_be_judged_blocks_even_a_forced_training(
    lack: dict[str, int], reason: str, forced: bool
) -> None:
    decision = decide(replace(DUE, forced=forced, **lack), POLICY)  # type: ignore[arg-type]
    assert (decision.action, decision.reason) == (Action.BLOCK, reason)


def test_a_contract_that_nobody_accepted_blocks_even_by_force() -> None:
    loosened = replace(
        DUE, unreviewed="the contract was changed: `millrace contract accept taxi`", forced=True
    )
    decision = decide(loosened, POLICY)
    assert (decision.action, decision.reason) == (Action.BLOCK, loosened.unreviewed)
    assert not is_final(decision)


def test_a_block_stands_above_a_skip() -> None:
    decision = decide(replace(DUE, inputs=BEFORE, rows=0, recent_blocks=0), POLICY)
    assert decision.action is Action.BLOCK
    assert decision.reason.startswith("no rows to train on")


def test_every_rule_reports_its_numbers_whatever_was_decided() -> None:
    assert {found.rule: found.finding for found in decide(DUE, POLICY).findings} == {
        "dataset": "90,000 rows",
        "recent blocks": "recent set has 14 blocks, 14 needed to judge",
        "golden blocks": "golden set has 14 blocks, 14 needed to judge",
        "contract": "lets in no more than what was accepted",
        "paused": "automatic work is not paused",
        "period": "model.toml names no schedule",
        "drift": "no drift is recorded that is not answered",
        "decay": "no decay is recorded that is not answered",
        "rollout": "no challenger answers requests",
        "same inputs": "inputs differ from the last finished training's",
        "already tried": "nothing was tried in vain against drift or decay",
        "asked": "asked for: schedule",
        "no champion yet": "there is a champion",
        "config": "the model's folder has not changed",
        "code": "the locked versions have not changed",
        "new rows": "1,240 new rows since the last training, 1,000 needed",
        "cooldown": "last trained 1 day, 0:00:00 ago, cooldown 6:00:00",
        "budget": "1 of 4 trainings used in the last 24 hours",
    }


ANY_FACTS = st.builds(
    DecisionFacts,
    asked=st.frozensets(st.sampled_from(Reason)),
    asked_text=st.sampled_from(["", "drift 0.41"]),
    forced=st.booleans(),
    now=st.just(NOON),
    inputs=st.sampled_from(
        [BEFORE, MORE_DATA, replace(BEFORE, lock="l2"), replace(BEFORE, model_files="m2")]
    ),
    last_inputs=st.sampled_from([None, BEFORE]),
    last_outcome=st.just("bundle 3f2a, fail"),
    last_trained_at=st.none() | st.timedeltas(-timedelta(days=2), timedelta(days=2)).map(lambda d: NOON + d),
    trained_in_last_24h=st.integers(0, 6),
    new_rows=st.integers(-10, 2_000),
    rows=st.integers(0, 5_000),
    has_champion=st.booleans(),
    recent_blocks=st.integers(0, 30),
    golden_blocks=st.integers(0, 30),
    min_blocks=st.just(14),
    detections=st.sampled_from([(), (DRIFT,), (DRIFT, DECAY)]),
    failed_try=st.sampled_from([None, "challenger 5c1e was refused: AUC"]),
    shadowing=st.sampled_from([None, "challenger 77aa is on its way"]),
)


@given(ANY_FACTS)
def test_a_training_is_always_asked_for_judgeable_and_new(facts: DecisionFacts) -> None:
    decision = decide(facts, POLICY)
    assert decision.reason
    assert "\n" not in decision.reason
    if decision.action is Action.TRAIN:
        assert facts.inputs != facts.last_inputs
        assert min(facts.recent_blocks, facts.golden_blocks) >= 14
        assert facts.rows > 0
        assert (
            facts.asked
            or facts.detections
            or not facts.has_champion
            or facts.new_rows >= 1_000
            or facts.last_inputs
        )
    else:
        assert (
            decision.action is Action.BLOCK
            or not facts.forced
            or facts.inputs == facts.last_inputs
            or (decision.reason == "nothing asks for a training")
        )


@given(ANY_FACTS)
def test_what_trains_unforced_trains_forced_too(facts: DecisionFacts) -> None:
    if decide(replace(facts, forced=False), POLICY).action is Action.TRAIN:
        assert decide(replace(facts, forced=True), POLICY).action is Action.TRAIN


def test_a_run_key_names_the_model_and_all_of_its_inputs() -> None:
    key = run_key("anything", BEFORE)
    assert key.startswith("retrain:anything:")
    assert len(key.removeprefix("retrain:anything:")) == 64
    assert key == run_key("anything", Inputs("d1", "m1", "l1"))
    others = [replace(BEFORE, **{name: "other"}) for name in ("dataset", "model_files", "lock")]
    assert len({key, run_key("other", BEFORE), *(run_key("anything", other) for other in others)}) == 5


def test_a_paused_model_is_left_alone_unless_a_person_asks() -> None:
    paused = replace(DUE, paused="ana at 2013-05-31 09:00 UTC: the agency resends May")
    decision = decide(paused, POLICY)
    assert decision.action is Action.SKIP
    assert decision.reason == (
        "automatic work is paused: ana at 2013-05-31 09:00 UTC: the agency resends May"
    )
    assert decide(replace(paused, asked=frozenset({Reason.BY_HAND})), POLICY).action is Action.TRAIN


def test_nothing_is_trained_while_a_challenger_answers_unless_by_force() -> None:
    rolling = replace(DUE, rolling_out="challenger d1 answers 25 % of requests")
    decision = decide(rolling, POLICY)
    assert decision.action is Action.SKIP
    assert decision.reason == (
        "challenger d1 answers 25 % of requests: what comes of it is what the next one is judged against"
    )
    assert decide(replace(rolling, forced=True), POLICY).action is Action.TRAIN


def test_a_period_that_was_decided_on_is_not_decided_on_again() -> None:
    period = replace(DUE, due=NOON - timedelta(hours=6), decided_at=NOON - timedelta(hours=5))
    decision = decide(period, POLICY)
    assert decision.action is Action.SKIP
    assert decision.reason == "the schedule was due at 2013-06-01 06:00 UTC, decided at 2013-06-01 07:00:00"


@pytest.mark.parametrize("decided_at", [None, NOON - timedelta(hours=7)])
def test_the_first_run_after_missed_periods_catches_up(decided_at: datetime | None) -> None:
    period = replace(DUE, due=NOON - timedelta(hours=6), decided_at=decided_at)
    assert decide(period, POLICY).action is Action.TRAIN


def test_a_decided_period_holds_nobody_else_up() -> None:
    period = replace(DUE, due=NOON - timedelta(hours=6), decided_at=NOON - timedelta(hours=5))
    assert decide(replace(period, asked=frozenset({Reason.BY_HAND})), POLICY).action is Action.TRAIN
    assert decide(replace(period, detections=(DRIFT,)), POLICY).action is Action.TRAIN


# drift and decay


def test_a_recorded_drift_asks_with_its_numbers_and_one_new_row_is_enough() -> None:
    decision = decide(replace(DRIFTED, new_rows=1), POLICY)
    assert (decision.action, decision.reason) == (
        Action.TRAIN,
        "drift: share 0.36 of the columns (distance, hour) in 2 windows since 2013-05-30 06:00 UTC",
    )
    exempt = "1 new rows since the last training, 1,000 needed, but not against drift or decay"
    assert finding(replace(DRIFTED, new_rows=1), Reason.NEW_ROWS) == (exempt, None)


def test_a_recorded_decay_asks_with_its_numbers() -> None:
    decision = decide(replace(DRIFTED, detections=(DECAY,)), POLICY)
    assert (decision.action, decision.reason) == (
        Action.TRAIN,
        "decay: auc as a loss 0.41, 0.1 above 0.31 in 3 windows since 2013-05-30 06:00 UTC",
    )


@pytest.mark.parametrize("reason", [Reason.DRIFT, Reason.DECAY])
def test_an_event_that_the_ledger_does_not_bear_out_is_no_reason(reason: Reason) -> None:
    event = replace(DUE, asked=frozenset({reason}), asked_text=f"{reason} 0.41", new_rows=3)
    decision = decide(event, POLICY)
    assert decision.action is Action.SKIP
    assert decision.reason == f"no {reason} is recorded that is not answered"
    assert decide(replace(event, inputs=BEFORE), POLICY).reason == decision.reason


def test_an_event_that_nothing_stands_behind_holds_new_rows_not_up() -> None:
    forged = replace(DUE, asked=frozenset({Reason.DRIFT}), asked_text="drift 0.41")
    decision = decide(forged, POLICY)
    assert decision.action is Action.TRAIN
    assert decision.reason == "1,240 new rows since the last training, 1,000 needed"


def test_no_new_row_is_nothing_to_learn_drift_from() -> None:
    decision = decide(replace(DRIFTED, new_rows=0), POLICY)
    assert (decision.action, is_final(decision)) == (Action.SKIP, True)


def test_what_was_tried_in_vain_is_not_tried_again_until_there_is_more_to_learn_from() -> None:
    tried = replace(DRIFTED, failed_try="challenger 5c1e was refused: AUC 0.6 against 0.7")
    decision = decide(tried, POLICY)
    assert (decision.action, decision.reason) == (
        Action.SKIP,
        "already tried: challenger 5c1e was refused: AUC 0.6 against 0.7; 3 new rows since, "
        "1,000 needed to try again",
    )
    assert decide(replace(tried, new_rows=1_000), POLICY).action is Action.TRAIN
    assert decide(replace(tried, forced=True), POLICY).action is Action.TRAIN
    assert decide(replace(tried, inputs=replace(BEFORE, model_files="m2")), POLICY).action is Action.TRAIN


def test_a_challenger_that_shadows_is_waited_for_unless_there_are_enough_new_rows() -> None:
    shadowing = replace(DRIFTED, shadowing="challenger 77aa is on its way and answers no request yet")
    decision = decide(shadowing, POLICY)
    assert (decision.action, is_final(decision)) == (Action.SKIP, False)
    assert decision.reason.startswith("challenger 77aa is on its way and answers no request yet: ")
    assert decide(replace(shadowing, new_rows=1_000), POLICY).action is Action.TRAIN
    assert decide(replace(shadowing, new_rows=1_000), MINOR).action is Action.SKIP
    scheduled = replace(shadowing, asked=frozenset({Reason.SCHEDULE}), new_rows=1_000)
    assert decide(scheduled, MINOR).action is Action.TRAIN


def test_rows_that_the_schedules_take_are_no_reason_to_try_again() -> None:
    tried = replace(DRIFTED, failed_try="challenger 5c1e was refused: AUC 0.6 against 0.7", new_rows=1_000)
    decision = decide(tried, MINOR)
    assert decision.action is Action.SKIP
    assert decision.reason.endswith("; 1,000 new rows since, 1,000 needed to try again, by the schedule")
    scheduled = replace(tried, asked=frozenset({Reason.SCHEDULE}))
    assert decide(scheduled, MINOR).action is Action.TRAIN
    assert decide(replace(scheduled, new_rows=999), MINOR).action is Action.SKIP


@pytest.mark.parametrize(
    "hold",
    [
        {"last_trained_at": NOON},
        {"trained_in_last_24h": 4},
        {"rolling_out": "challenger d1 answers 25 % of requests"},
        {"rolling_out": "challenger d1 answers 25 % of requests", "inputs": BEFORE},
        {"paused": "ana: the agency resends May"},
        {"paused": "ana: the agency resends May", "inputs": BEFORE},
        {"rows": 0},
        {"recent_blocks": 13, "inputs": BEFORE},
    ],
    ids=str,
)
def test_what_ends_by_itself_answers_no_drift(hold: dict[str, Any]) -> None:
    decision = decide(replace(DRIFTED, **hold), POLICY)
    assert decision.action is not Action.TRAIN
    assert answers(decision, DRIFTED.detections, "a run") == ()


@pytest.mark.parametrize(
    "reason",
    [{"inputs": BEFORE}, {"failed_try": "refused"}, {"inputs": BEFORE, "last_trained_at": NOON}],
    ids=str,
)
def test_what_only_rows_or_a_person_can_mend_answers_all_that_was_found(reason: dict[str, Any]) -> None:
    facts = replace(DRIFTED, detections=(DRIFT, DECAY), **reason)
    decision = decide(facts, POLICY)
    assert decision.action is Action.SKIP
    assert answers(decision, facts.detections, "a run") == (41, 43)


def test_a_training_that_is_taken_up_again_answers_nothing_a_second_time() -> None:
    begun = (replace(DRIFT, begun=frozenset({"a run"})), DECAY)
    decision = decide(replace(DRIFTED, detections=begun), POLICY)
    assert answers(decision, begun, "a run") == (43,)
    assert answers(decision, begun, "a run on other rows") == (41, 43)
    given_up = decide(replace(DRIFTED, detections=begun, inputs=BEFORE), POLICY)
    assert answers(given_up, begun, "a run") == (41, 43)


# refits


def test_a_refit_on_rows_that_a_full_training_has_seen_has_the_same_inputs() -> None:
    seen = replace(REFIT, inputs=replace(BEFORE, parameters="p1"))
    assert decide(seen, POLICY).reason.startswith("same inputs as the last finished training: ")
    assert decide(REFIT, POLICY).action is Action.TRAIN
    again = replace(REFIT, last_inputs=REFIT.inputs)
    assert decide(again, POLICY).reason.startswith("same inputs as the last finished training: ")


def test_a_refit_needs_new_rows_and_neither_waits_for_the_cooldown_nor_uses_the_budget() -> None:
    assert decide(replace(REFIT, last_trained_at=NOON, trained_in_last_24h=9), POLICY).action is Action.TRAIN
    assert decide(replace(REFIT, new_rows=999), POLICY).action is Action.SKIP


@pytest.mark.parametrize(
    "trial",
    [
        {"shadowing": "challenger 77aa is on its way and answers no request yet"},
        {"rolling_out": "challenger 77aa answers 5 % of requests"},
        {"proving": "champion 77aa is on probation"},
    ],
    ids=str,
)
def test_a_refit_lets_what_is_on_its_way_arrive(trial: dict[str, Any]) -> None:
    decision = decide(replace(REFIT, **trial), MINOR)
    assert (decision.action, is_final(decision)) == (Action.SKIP, False)
    assert decision.reason.startswith(f"{next(iter(trial.values()))}: ")
    assert decide(replace(REFIT, forced=True, **trial), MINOR).action is Action.TRAIN


def test_with_a_schedule_of_refits_new_rows_are_left_to_the_schedules() -> None:
    for asked in (frozenset[Reason](), frozenset({Reason.NEW_ROWS})):
        decision = decide(replace(DUE, asked=asked), MINOR)
        assert (decision.action, decision.reason) == (Action.SKIP, "nothing asks for a training")
    assert decide(DUE, MINOR).action is Action.TRAIN
    assert decide(REFIT, MINOR).action is Action.TRAIN
    assert decide(DRIFTED, MINOR).action is Action.TRAIN


def test_a_refit_is_another_run_than_a_full_training_and_full_ones_keep_their_names() -> None:
    assert run_key("anything", REFIT.inputs) != run_key("anything", MORE_DATA)
    assert run_key("anything", BEFORE) == (
        "retrain:anything:" + sha256_of({"dataset": "d1", "model_files": "m1", "lock": "l1"})
    )
