"""What does each look, and each word of a person, do to a rollout?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from millrace.domain.facts import (
    ApprovalAsked,
    ChampionPromoted,
    ChampionRolledBack,
    OfflineRollbackOvertaken,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
    StepApproved,
    StepFailed,
)
from millrace.domain.pointer import Arm, ArmRole
from millrace.domain.rollout.advance import abort, advance, approve, pause, reject, resume, start
from millrace.domain.rollout.evidence import Compared
from millrace.domain.rollout.policy import Approval, Strategy, steps_of
from millrace.domain.rollout.state import Phase, Rollout, rollout_after
from millrace.domain.verdict import Outcome
from tests.domain.rollout.rolling import (
    BROKEN,
    GOOD,
    MINUTE,
    NEW,
    NEWER,
    OLD,
    POLICY,
    START,
    arm,
    carried,
    crowned,
    evidence_for,
    labelled,
    look,
    on_probation,
    started,
)


def shares(rollout: Rollout) -> list[tuple[str, str, int]]:
    return [(one.digest[0], one.role.value, one.weight) for one in rollout.arms]


def test_a_challenger_shadows_then_answers_more_and_more_and_is_on_probation_at_last() -> None:
    begun, taken = started(), carried(started(), GOOD)
    rollout = taken[-1].after
    assert [shares(one) for one in (begun, *(move.after for move in taken[:-1]))] == [
        [("a", "answer", 100), ("b", "shadow", 100)],
        [("a", "answer", 95), ("b", "answer", 5)],
        [("a", "answer", 50), ("b", "answer", 50)],
    ]
    assert shares(rollout) == [("b", "answer", 100), ("a", "shadow", 100)]
    assert (rollout.phase, rollout.generation) == (Phase.PROBATION, 5)


def test_the_first_champion_answers_at_once() -> None:
    moved = start(Rollout("fares"), NEW, POLICY, START)
    assert isinstance(moved.fact, ChampionPromoted)
    assert moved.after.arms == (Arm(NEW, ArmRole.ANSWER, 100),)
    assert (moved.after.phase, moved.after.generation) == (Phase.IDLE, 1)


def test_failing_looks_are_counted_and_the_limit_takes_the_challenger_back() -> None:
    taken = carried(started(), BROKEN)
    assert [type(move.fact) for move in taken] == [StepFailed, StepFailed, RolloutAborted]
    assert len(taken) * POLICY.interval == POLICY.bound
    said = "failed (3) of failure_limit (3): errors: errors 200 of 2000 against 0 of 2000"
    assert said in taken[-1].reason
    assert taken[-1].after.arms == (Arm(OLD, ArmRole.ANSWER, 100),)


def test_a_second_look_within_the_interval_counts_no_second_failure() -> None:
    rollout = look(started(), BROKEN, START + MINUTE).after
    again = look(rollout, BROKEN, START + MINUTE + MINUTE / 2)
    assert (again.fact, again.after) == (None, rollout)


def test_bad_to_good_to_bad_is_counted_together() -> None:
    rollout = look(started(), BROKEN, START + MINUTE).after
    few = Compared(arm(), arm(requests=10))
    rollout = look(rollout, few, START + 2 * MINUTE).after
    rollout = look(rollout, BROKEN, START + 3 * MINUTE).after
    assert isinstance(look(rollout, BROKEN, START + 4 * MINUTE).fact, RolloutAborted)


def test_inconclusive_waits_and_aborts_at_the_deadline() -> None:
    few = Compared(arm(), arm(requests=10))
    rollout = started()
    assert look(rollout, few, START + POLICY.deadline - MINUTE).fact is None
    over = look(rollout, few, START + POLICY.deadline)
    assert isinstance(over.fact, RolloutAborted)
    assert "inconclusive at the deadline of 2:00:00: evidence: 10 requests of 500 needed" in over.reason


@pytest.mark.parametrize(("services", "ready"), [(0, 0), (3, 2)])
def test_weight_never_rises_before_every_living_service_is_ready(services: int, ready: int) -> None:
    rollout, now = started(), START + MINUTE
    evidence = replace(evidence_for(rollout, GOOD, now), services=services, ready=ready)
    held = advance(rollout, evidence, POLICY, now)
    assert held.fact is None
    assert f"{ready} of {services} living services" in held.reason
    late = START + POLICY.deadline
    evidence = replace(evidence_for(rollout, GOOD, late), services=services, ready=ready)
    assert isinstance(advance(rollout, evidence, POLICY, late).fact, RolloutAborted)


def test_a_newer_challenger_takes_the_place_of_one_without_live_requests() -> None:
    moved = start(started(), NEWER, POLICY, START + MINUTE)
    assert isinstance(moved.fact, RolloutStarted)
    assert moved.fact.superseded == NEW
    assert shares(moved.after) == [("a", "answer", 100), ("c", "shadow", 100)]


def test_a_newer_challenger_waits_for_one_that_answers_requests() -> None:
    canary = look(started(), GOOD, START + MINUTE).after
    assert canary.weight == 5
    waits = start(canary, NEWER, POLICY, START + 2 * MINUTE)
    assert (waits.fact, waits.after) == (None, canary)


def test_a_newer_challenger_ends_a_probation_which_is_recorded_as_unproven() -> None:
    moved = start(on_probation(), NEWER, POLICY, START + 10 * MINUTE)
    assert isinstance(moved.fact, RolloutStarted)
    assert moved.fact.unproven == NEW
    assert shares(moved.after) == [("b", "answer", 100), ("c", "shadow", 100)]


def test_a_broken_champion_can_still_be_replaced() -> None:
    broken = Compared(arm(errors=2000, p95=None), arm())
    assert carried(started(), broken)[-1].after.champion == NEW


def test_aborting_when_idle_does_nothing() -> None:
    idle = crowned()
    assert abort(idle, "just so", START).fact is None
    again = abort(abort(started(), "no", START).after, "no", START)
    assert (again.fact, again.after.challenger, again.after.weight) == (None, None, 0)


def test_aborting_a_canary_gives_all_requests_back_and_clears_the_challenger() -> None:
    canary = look(started(), GOOD, START + MINUTE).after
    moved = abort(canary, "a person's word", START + 2 * MINUTE)
    assert isinstance(moved.fact, RolloutAborted)
    assert (moved.after.challenger, shares(moved.after)) == (None, [("a", "answer", 100)])
    assert moved.after.generation == canary.generation + 1


def test_probation_goes_back_by_itself_when_labels_show_harm() -> None:
    rollout, now = on_probation(), START + 60 * MINUTE
    worse = labelled(GOOD, excess=0.1)
    for _ in range(POLICY.failure_limit):
        now += MINUTE
        moved = look(rollout, worse, now)
        rollout = moved.after
    assert isinstance(moved.fact, ChampionRolledBack)
    assert (moved.fact.digest, moved.fact.withdrawn) == (OLD, NEW)
    assert shares(rollout) == [("a", "answer", 100)]


def test_probation_goes_back_on_errors_before_any_label() -> None:
    rollout, now = on_probation(), START + 60 * MINUTE
    for _ in range(POLICY.failure_limit):
        now += MINUTE
        moved = look(rollout, BROKEN, now)
        rollout = moved.after
    assert isinstance(moved.fact, ChampionRolledBack)


def test_labels_that_show_no_harm_prove_a_champion() -> None:
    moved = look(on_probation(), labelled(GOOD, excess=-0.01), START + 60 * MINUTE)
    assert isinstance(moved.fact, ProbationEnded)
    assert moved.fact.outcome is Outcome.PASS
    assert shares(moved.after) == [("b", "answer", 100)]


def test_without_enough_labels_the_champion_stays_unproven() -> None:
    rollout = on_probation()
    assert rollout.since is not None
    early = look(rollout, GOOD, rollout.since + POLICY.probation_deadline - MINUTE)
    assert early.fact is None
    moved = look(rollout, GOOD, rollout.since + POLICY.probation_deadline)
    assert isinstance(moved.fact, ProbationEnded)
    assert (moved.fact.outcome, moved.after.champion) == (Outcome.INCONCLUSIVE, NEW)


def test_a_step_that_needs_approval_asks_once_and_goes_on_when_it_has_it() -> None:
    policy = replace(POLICY, approval=Approval.MANUAL)
    asked = look(started(policy), GOOD, START + MINUTE, policy)
    assert isinstance(asked.fact, ApprovalAsked)
    assert look(asked.after, GOOD, START + 2 * MINUTE, policy).fact is None
    granted = approve(asked.after, "looks well", START + 3 * MINUTE)
    assert isinstance(granted.fact, StepApproved)
    gone_on = look(granted.after, GOOD, START + 4 * MINUTE, policy)
    assert isinstance(gone_on.fact, RolloutAdvanced)
    assert not gone_on.after.is_approved


def test_waiting_for_a_person_has_no_deadline_and_failing_looks_still_abort() -> None:
    policy = replace(POLICY, approval=Approval.MANUAL, failure_limit=1)
    asked = look(started(policy), GOOD, START + MINUTE, policy).after
    late = START + 2 * POLICY.deadline
    assert look(asked, Compared(arm(), arm(requests=10)), late, policy).fact is None
    assert isinstance(look(asked, BROKEN, late, policy).fact, RolloutAborted)


def test_rejecting_needs_something_that_waits() -> None:
    assert reject(started(), "no", START).fact is None
    policy = replace(POLICY, approval=Approval.MANUAL)
    asked = look(started(policy), GOOD, START + MINUTE, policy).after
    moved = reject(asked, "too soon", START + 2 * MINUTE)
    assert isinstance(moved.fact, RolloutAborted)
    assert moved.fact.reason == "rejected: too soon"


def test_a_paused_rollout_stays_and_is_still_taken_back() -> None:
    policy = replace(POLICY, failure_limit=1)
    held = pause(started(), "holidays", START).after
    assert look(held, GOOD, START + MINUTE).fact is None
    assert look(held, GOOD, START + 2 * POLICY.deadline).fact is None
    assert isinstance(look(held, BROKEN, START + MINUTE, policy).fact, RolloutAborted)
    late = START + 2 * POLICY.deadline
    resumed = resume(held, "back", late).after
    assert look(resumed, Compared(arm(), arm(requests=10)), late + MINUTE).fact is None
    assert isinstance(look(resumed, GOOD, late + 2 * MINUTE).fact, RolloutAdvanced)


def test_a_pause_holds_a_champion_on_probation_too_and_harm_still_takes_it_back() -> None:
    now = START + 60 * MINUTE
    held = pause(on_probation(), "look at the fair first", now).after
    proven = look(held, labelled(GOOD, excess=-0.01), now)
    assert (proven.fact, proven.reason) == (None, "paused: look at the fair first")
    resumed = resume(held, "looked", now).after
    assert isinstance(look(resumed, labelled(GOOD, excess=-0.01), now).fact, ProbationEnded)
    policy = replace(POLICY, failure_limit=1)
    assert isinstance(look(held, labelled(GOOD, excess=0.5), now, policy).fact, ChampionRolledBack)


def test_evidence_that_cannot_be_trusted_moves_nothing() -> None:
    rollout, now = started(), START + MINUTE
    good = evidence_for(rollout, GOOD, now)
    for wrong, said in (
        (None, "no evidence"),
        (replace(good, challenger=NEWER), "not bbbbbbbbbbbb against"),
        (replace(good, champion=NEWER), "against aaaaaaaaaaaa"),
        (replace(good, since=START - MINUTE), "before the step began"),
        (replace(good, until=now + timedelta(hours=1)), "after now"),
        (replace(good, until=START), "long before now"),
        (replace(good, ready=3), "which cannot be"),
        (replace(good, overall=Compared(arm(), arm(requests=600, errors=601))), "do not fit"),
        (replace(good, slices={"JFK": replace(GOOD, disagreements=1)}), "cannot disagree"),
    ):
        late = now + timedelta(minutes=10) if said == "long before now" else now
        moved = advance(rollout, wrong, POLICY, late)
        assert (moved.fact, moved.after) == (None, rollout)
        assert said in moved.reason


def test_a_clock_that_steps_back_ends_no_step() -> None:
    rollout = started()
    before = START - timedelta(days=1)
    evidence = replace(evidence_for(rollout, Compared(arm(), arm(requests=10)), before), until=START)
    assert advance(rollout, evidence, POLICY, before).fact is None


def test_each_strategy_is_a_list_of_steps() -> None:
    canary, a_b = steps_of(Strategy.CANARY, (5, 25)), steps_of(Strategy.A_B, (50,))
    assert [(one.weight, one.on_labels) for one in canary] == [(0, False), (5, False), (25, False)]
    assert [(one.weight, one.on_labels) for one in a_b] == [(0, False), (50, True)]
    assert [one.weight for one in steps_of(Strategy.BLUE_GREEN, ())] == [0]


def test_an_a_b_test_is_decided_by_labels_alone() -> None:
    policy = replace(POLICY, strategy=Strategy.A_B, steps=steps_of(Strategy.A_B, (50,)))
    rollout = look(started(policy), GOOD, START + MINUTE, policy).after
    assert rollout.weight == 50
    assert look(rollout, GOOD, START + 2 * MINUTE, policy).fact is None
    won = look(rollout, labelled(GOOD, excess=-0.05), START + 3 * MINUTE, policy)
    assert isinstance(won.fact, ChampionPromoted)


def test_a_model_of_batches_alone_is_judged_by_a_replay_and_serves_without_probation() -> None:
    policy = replace(POLICY, strategy=Strategy.DIRECT, steps=steps_of(Strategy.DIRECT, ()))
    rollout, now = started(policy), START + MINUTE
    assert shares(rollout) == [("a", "answer", 100)]
    replayed = replace(evidence_for(rollout, labelled(GOOD, -0.05), now), services=0, ready=0)
    won = advance(rollout, replayed, policy, now)
    assert isinstance(won.fact, ChampionPromoted)
    assert (won.after.phase, shares(won.after)) == (Phase.IDLE, [("b", "answer", 100)])


def test_an_offline_rollback_that_was_overtaken_ends_what_is_on_its_way() -> None:
    overtaken = OfflineRollbackOvertaken(OLD, None, "d" * 64, 7, 5, "both are wrong", "it is gone already")
    after = rollout_after(started(), overtaken, START)
    assert (after.champion, after.generation, after.phase, after.challenger) == (OLD, 7, Phase.IDLE, None)


def test_a_look_that_comes_a_little_early_is_still_the_next_one() -> None:
    failed = look(started(), BROKEN, START + MINUTE)
    assert look(failed.after, BROKEN, START + 1.8 * MINUTE).fact is None
    again = look(failed.after, BROKEN, START + 1.95 * MINUTE)
    assert isinstance(again.fact, StepFailed)
    assert again.fact.failures == 2


def test_an_approval_gives_the_step_its_time_anew() -> None:
    by_hand = replace(POLICY, approval=Approval.MANUAL)
    asking = look(started(by_hand), GOOD, START + MINUTE, by_hand).after
    late = START + 5 * by_hand.deadline
    approved = approve(asking, "read fifty answers", late).after
    assert advance(approved, None, by_hand, late + MINUTE).fact is None
    gone = advance(approved, None, by_hand, late + by_hand.deadline + MINUTE)
    assert isinstance(gone.fact, RolloutAborted)


def test_a_champion_that_has_failed_a_look_on_probation_is_decided_on_before_a_newer_one_begins() -> None:
    proving = on_probation()
    failed = look(proving, BROKEN, (proving.since or START) + MINUTE)
    assert isinstance(failed.fact, StepFailed)
    assert start(failed.after, NEWER, POLICY, START + 90 * MINUTE).fact is None
    assert start(proving, NEWER, POLICY, START + 90 * MINUTE).fact is not None
