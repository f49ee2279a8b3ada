"""Do good versions come through and bad ones not, with a real service, real requests and real labels?"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from millrace.adapters import clock
from millrace.adapters.models import change_section
from millrace.adapters.prediction_log import SegmentWriter
from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.prediction_log.segment import encode
from millrace.domain.facts import (
    ChampionPromoted,
    ChampionRolledBack,
    ProbationEnded,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
    StepApproved,
    StepFailed,
)
from millrace.domain.prediction import Alive, ServedModel
from millrace.domain.rollout.policy import Approval, Policy, Step, Strategy, steps_of
from millrace.domain.rollout.state import Phase, Rollout
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.rollout import Act, RolloutWatch, say_to_rollout
from millrace.steps.stores import ledger
from tests.rollouts.rig import QUICK, Live, is_proving, live_installation
from tests.rollouts.versions import (
    failing,
    good,
    mixed_up,
    scattered,
    several,
    slow,
    true_classes,
    unproven,
)
from tests.serving.crowning import go_back
from tests.serving.service import Packed
from tests.serving.under_load import MODEL, ask


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with live_installation(tmp_path, monkeypatch) as installation:
        yield installation


def test_a_good_version_shadows_answers_some_then_all_and_is_proven_by_labels(live: Live) -> None:
    with live.load(is_labelled=True):
        digest = live.begin(good(1))
        promoted = live.look_until_over()
        assert (promoted.champion, promoted.phase, promoted.former) == (
            digest,
            Phase.PROBATION,
            live.champion,
        )
        proven = live.look_until(lambda rollout: rollout.phase is Phase.IDLE)
    assert (proven.champion, proven.phase) == (digest, Phase.IDLE)
    kinds = [type(turn).__name__ for turn in live.turns]
    assert kinds == ["RolloutAdvanced", "ChampionPromoted", "ProbationEnded"]
    ended = live.turns[-1]
    assert isinstance(ended, ProbationEnded)
    assert ended.outcome is Outcome.PASS


def test_a_version_that_fails_some_requests_is_gone_before_it_answers_any(live: Live) -> None:
    with live.load() as load:
        digest = live.begin(failing(1))
        rollout = live.look_until_over()
    assert rollout.champion == live.champion
    aborted = live.turns[-1]
    assert isinstance(aborted, RolloutAborted)
    assert "errors" in aborted.reason
    assert digest not in {asked.digest for asked in load.answered}
    assert not load.refused


def test_a_slow_version_is_gone_once_it_answers(live: Live) -> None:
    with live.load() as load:
        digest = live.begin(slow(1))
        rollout = live.look_until_over()
    assert rollout.champion == live.champion
    assert isinstance(live.turns[0], RolloutAdvanced)
    aborted = live.turns[-1]
    assert isinstance(aborted, RolloutAborted)
    assert "latency" in aborted.reason
    assert digest in {asked.digest for asked in load.answered}


def goes_back_by_its_labels(live: Live, worse: Packed, lenient: Policy) -> None:
    """Let a version through whose answers alone show nothing, then let the labels come."""
    with live.load() as load:
        digest = live.begin(worse, lenient)
        live.look_until(is_proving)
        load.is_labelled = True
        rollout = live.look_until(lambda rollout: rollout.phase is Phase.IDLE)
    assert rollout.champion == live.champion
    back = live.turns[-1]
    assert isinstance(back, ChampionRolledBack)
    assert back.withdrawn == digest
    assert "loss" in back.reason


def test_a_champion_that_labels_show_to_be_worse_goes_back_by_itself(live: Live) -> None:
    lenient = replace(QUICK, limits=replace(QUICK.limits, max_shift=10.0))
    goes_back_by_its_labels(live, scattered(1), lenient)


@pytest.fixture
def of_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with live_installation(tmp_path, monkeypatch, several, lambda at: true_classes()[at]) as installation:
        yield installation


def test_of_several_classes_a_good_version_is_proven_and_one_that_mixes_them_up_is_taken_back(
    of_classes: Live,
) -> None:
    live = of_classes
    with live.load(is_labelled=True) as load:
        worse = live.begin(mixed_up(1))
        assert live.look_until_over().champion == live.champion
        aborted = live.turns[-1]
        assert isinstance(aborted, RolloutAborted)
        assert "disagreement" in aborted.reason
        assert worse not in {asked.digest for asked in load.answered}
        better = live.begin(several(2))
        proven = live.look_until(lambda rollout: rollout.phase is Phase.IDLE)
    assert proven.champion == better
    ended = live.turns[-1]
    assert isinstance(ended, ProbationEnded)
    assert ended.outcome is Outcome.PASS
    assert not load.refused


@pytest.mark.slow
def test_a_champion_of_several_classes_that_labels_show_to_be_worse_goes_back_by_itself(
    of_classes: Live,
) -> None:
    lenient = replace(QUICK, limits=replace(QUICK.limits, max_disagreement=1.0))
    goes_back_by_its_labels(of_classes, mixed_up(1), lenient)


def test_a_person_is_asked_after_each_step_and_what_they_say_is_kept(live: Live) -> None:
    careful = replace(QUICK, approval=Approval.MANUAL)
    with live.load():
        live.begin(good(1), careful)
        live.look_until(_is_asking)
        generation = live.rollout.generation
        live.look()
        assert live.rollout.generation == generation
        say_to_rollout(MODEL, Act.APPROVE, "read fifty answers", clock.now(), "ann")
        live.look_until(lambda rollout: rollout.phase is Phase.CANARY)
        live.look_until(_is_asking)
        say_to_rollout(MODEL, Act.REJECT, "it cannot explain Bern", clock.now(), "bob")
    approved, rejected = ledger().last(MODEL, StepApproved), ledger().last(MODEL, RolloutAborted)
    assert approved is not None
    assert rejected is not None
    assert (approved.actor, rejected.actor) == ("ann", "bob")
    assert isinstance(rejected.fact, RolloutAborted)
    assert rejected.fact.reason == "rejected: it cannot explain Bern"
    assert live.rollout.champion == live.champion


def test_an_a_b_step_waits_for_labels_and_is_decided_by_them(live: Live) -> None:
    policy = _strategy(Strategy.A_B, 50)
    with live.load() as load:
        worse = live.begin(scattered(1), policy)
        live.look_until(lambda rollout: rollout.phase is Phase.CANARY)
        for _ in range(5):
            live.look()
            time.sleep(QUICK.interval.total_seconds())
        assert live.rollout.challenger == worse
        load.is_labelled = True
        assert live.look_until_over().champion == live.champion
        better = live.begin(good(1), policy)
        assert live.look_until_over().champion == better
    turns = [type(turn) for turn in live.turns if not isinstance(turn, StepFailed)]
    assert turns == [RolloutAdvanced, RolloutAborted, RolloutAdvanced, ChampionPromoted]


def test_blue_green_switches_all_requests_at_once_after_the_shadow(live: Live) -> None:
    with live.load() as load:
        digest = live.begin(good(1), _strategy(Strategy.BLUE_GREEN))
        live.look_until(is_proving)
        assert [type(turn) for turn in live.turns] == [ChampionPromoted]
        live.service_has(live.rollout.generation)
        live.wait_for_answers(load, 500)  # what was asked before is answered by then
        switched = len(load.answered)
        live.wait_for_answers(load, 500)
    assert {asked.digest for asked in load.answered[switched:]} == {digest}


def test_a_direct_rollout_replays_what_was_logged_and_asks_no_service(live: Live) -> None:
    with live.load(is_labelled=True) as load:
        live.wait_for_answers(load, 2000)
    lenient = replace(_strategy(Strategy.DIRECT), limits=replace(QUICK.limits, max_shift=10.0))
    generation = live.rollout.generation
    live.begin(scattered(1), lenient)
    assert live.look_until_over().champion == live.champion
    aborted = live.turns[-1]
    assert isinstance(aborted, RolloutAborted)
    assert "loss" in aborted.reason
    better = live.begin(good(1), lenient)
    live.look_until_over()
    assert (live.rollout.champion, live.rollout.phase) == (better, Phase.IDLE)
    assert live.rollout.generation == generation + 4


def test_a_version_that_no_service_can_prove_is_gone_at_the_deadline(live: Live) -> None:
    with live.load():
        digest = live.begin(unproven(1), replace(QUICK, deadline=5 * QUICK.interval))
        live.look_until_over()
    [aborted] = live.turns
    assert isinstance(aborted, RolloutAborted)
    assert aborted.challenger == digest
    assert live.rollout.champion == live.champion


def test_no_weight_rises_while_one_living_service_has_not_proven_the_challenger(live: Live) -> None:
    behind = ServedModel(MODEL, 1, 1, (live.champion,), (live.champion,), None)
    writer = SegmentWriter(live.home.predictions, "behind")
    writer.append(encode(Alive("behind", time.time(), time.time(), [behind])))
    writer.close()
    with live.load():
        live.begin(good(1), replace(QUICK, deadline=10 * QUICK.interval))
        live.look_until_over()
    [aborted] = live.turns
    assert isinstance(aborted, RolloutAborted)
    assert "1 of 2 living services have proven the challenger" in aborted.reason
    assert {one.outcome for one in aborted.verdicts} == {Outcome.PASS}


def test_a_newer_version_takes_the_place_of_one_on_probation_and_an_earlier_champion_never_comes_back(
    live: Live,
) -> None:
    with live.load(is_labelled=True):
        second = live.begin(good(1))
        live.look_until(is_proving)
        third = live.begin(good(2))
        live.look_until(is_proving)
        live.look_until(lambda rollout: rollout.phase is Phase.IDLE)
    assert live.rollout.champion == third
    started = [entry.fact for entry in ledger().entries(MODEL, (RolloutStarted,))]
    assert isinstance(started[-1], RolloutStarted)
    assert started[-1].unproven == second
    go_back()
    assert live.rollout.champion == second
    go_back()
    assert live.rollout.champion == live.champion


def test_rows_of_one_request_have_each_the_latency_of_their_own_version(live: Live) -> None:
    change_section(
        load_settings().models, MODEL, "serving", {"durability": "durable", "sticky_key": "carrier"}
    )
    live.begin(slow(1), replace(QUICK, steps=(Step(50),)))
    live.service_has(2)
    answer = ask(live.service, *range(40))
    assert answer.status == 200
    now = clock.now()
    logged = read_window(live.home.predictions, MODEL, now - timedelta(minutes=1), now).predictions
    of_champion = logged[logged["digest"] == live.champion]["latency_us"]
    of_challenger = logged[logged["digest"] != live.champion]["latency_us"]
    assert len(of_champion) + len(of_challenger) == 40
    assert 0 < of_champion.min() <= of_champion.max() < of_challenger.min()


def test_the_watch_takes_looks_in_a_process_of_their_own(live: Live) -> None:
    watch = RolloutWatch()
    with live.load(is_labelled=True):
        digest = live.begin(good(1))
        deadline = time.monotonic() + 120.0
        while live.rollout.phase is not Phase.IDLE:
            assert time.monotonic() < deadline
            watch.note(MODEL)
            watch.look()
            time.sleep(0.1)
    assert live.rollout.champion == digest


def _strategy(strategy: Strategy, *weights: int) -> Policy:
    return replace(QUICK, strategy=strategy, steps=steps_of(strategy, weights))


def _is_asking(rollout: Rollout) -> bool:
    return rollout.is_asking
