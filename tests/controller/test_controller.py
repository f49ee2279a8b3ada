"""What happens by itself, on a real server, worker and controller."""

import json
import signal
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from millrace.adapters import clock
from millrace.adapters.batches import digest_of_file
from millrace.adapters.bundle import read_manifest, write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.domain.canonical import sha256_of
from millrace.domain.facts import (
    AttentionAsked,
    BatchAccepted,
    ChallengerTrained,
    ChampionPromoted,
    DecisionMade,
    MirrorRepaired,
    RolloutAborted,
    RolloutStarted,
    RunParked,
    RunRequested,
)
from millrace.domain.rollout.advance import start
from millrace.settings import load_settings
from millrace.steps.stores import ledger
from tests.controller.fares import (
    MONTHS,
    accepted,
    day,
    deliver,
    facts,
    hold_up,
    rides,
    training_claim,
    write,
)
from tests.controller.stack import PREFECT, Stack, wait_for
from tests.detected import record_drift
from tests.domain.rollout.rolling import POLICY
from tests.loop import take_in


def is_quiet(stack: Stack) -> bool:
    """Whether no flow run has still to end."""
    alive = {"SCHEDULED", "PENDING", "RUNNING"}
    return not any(
        run["state_type"] in alive for flow in ("ingest", "retrain", "rollout") for run in stack.runs(flow)
    )


def pointer() -> Any:
    """Return what services are told of the model."""
    return json.loads((load_settings().channel / "fares" / "pointer.json").read_text())["pointer"]


def like(digest: str) -> str:
    """Put a bundle beside another that answers the same under a digest of its own."""
    bundles = bundles_folder(load_settings().channel)
    manifest = read_manifest(bundles / digest)
    files = {name: (bundles / digest / name).read_bytes() for name in manifest.files}
    return write_bundle(bundles, replace(manifest, seed=manifest.seed + 1), files)


@pytest.fixture
def champion(stack: Stack) -> str:
    """The digest of a champion that came to be with no further hand; nothing runs any more."""
    if not facts(ChampionPromoted):
        for month in MONTHS:
            deliver(stack, month, rides(month))
    wait_for("a champion", lambda: facts(ChampionPromoted))
    wait_for("the runs to end", lambda: is_quiet(stack))
    return facts(ChampionPromoted)[-1].digest


@pytest.fixture
def held_up(stack: Stack) -> Path:
    """A file that keeps every training from going on while it is there."""
    return hold_up(stack)


def test_files_in_an_inbox_become_a_champion_with_no_further_hand(stack: Stack, champion: str) -> None:
    assert [fact.part.batch for fact in facts(BatchAccepted)] == [f"{month}.parquet" for month in MONTHS]
    pointer = json.loads((load_settings().channel / "fares" / "pointer.json").read_text())
    assert pointer["pointer"]["arms"][0]["digest"] == champion
    [ingest], [retrain] = stack.runs("ingest"), stack.runs("retrain")
    assert ingest["name"] == "fares · ingest · arrived 2013-01.parquet, 2013-02.parquet, 2013-03.parquet"
    assert ingest["state"]["message"] == "3 accepted"
    assert (retrain["name"], retrain["state"]["name"]) == ("fares · retrain · new rows 3060", "Promoted")


def test_a_forged_event_about_an_unknown_model_fails_and_names_the_known_ones(
    stack: Stack, champion: str
) -> None:
    stack.emit("millrace.drift.detected", "tolls", model="tolls", share=0.9)
    run = wait_for("its run to end", lambda: ended_run(stack, "tolls · retrain · drift 0.9"))
    assert run["state_type"] == "FAILED"
    assert "no model 'tolls'" in run["state"]["message"]
    assert "fares" in run["state"]["message"]
    assert ledger().entries("tolls") == []


def test_a_forged_event_is_skipped_for_the_ledger_knows_of_no_drift(stack: Stack, champion: str) -> None:
    trained = facts(ChallengerTrained)
    stack.emit("millrace.drift.detected", "fares", model="fares", share=0.9)
    run = wait_for("its run to end", lambda: ended_run(stack, "fares · retrain · drift 0.9"))
    assert run["state"]["name"] == "Skipped"
    assert run["state"]["message"] == "no drift is recorded that is not answered"
    assert facts(ChallengerTrained) == trained


def test_a_recorded_drift_that_no_training_can_mend_is_answered_and_a_person_asked(
    stack: Stack, champion: str
) -> None:
    seq = record_drift("fares", clock.now(), clock.now() - timedelta(hours=1))
    stack.emit("millrace.drift.detected", "fares", model="fares", share=0.41)
    [asked] = wait_for("a person to be asked", lambda: facts(AttentionAsked))
    assert asked.reason.startswith("drift: share 0.41 of the columns (distance_km) in 2 windows since ")
    decided = wait_for("the answer", lambda: [fact for fact in facts(DecisionMade) if fact.answers])
    assert [fact.answers for fact in decided] == [(seq,)]
    assert decided[0].reason.startswith("same inputs as the last finished training: ")


def ended_run(stack: Stack, name: str) -> dict[str, Any] | None:
    ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    found = (run for run in stack.runs("retrain") if run["name"] == name and run["state_type"] in ended)
    return next(found, None)


def test_a_pointer_lost_by_hand_comes_back_with_a_record(stack: Stack, champion: str) -> None:
    pointer = load_settings().channel / "fares" / "pointer.json"
    before = pointer.read_bytes()
    pointer.unlink()
    wait_for("the record", lambda: facts(MirrorRepaired))
    assert pointer.read_bytes() == before


def test_rows_whose_event_was_lost_are_trained_on_all_the_same(stack: Stack, champion: str) -> None:
    trained = len(facts(ChallengerTrained))
    take_in("fares", clock.now(), [write(stack.home / "day-1.parquet", day(1))])
    wait_for("a training", lambda: len(facts(ChallengerTrained)) > trained)
    assert [fact.flow for fact in facts(RunRequested)][-1] == "retrain"


def test_while_a_model_is_paused_nothing_starts_and_then_it_is_caught_up_on(
    stack: Stack, champion: str
) -> None:
    assert stack.verb("pause", "fares", "--reason", "the agency resends April").returncode == 0
    deliver(stack, "day-2", day(2))
    stack.emit("millrace.data.pinned", "fares", model="fares", new_rows=34)
    skipped = wait_for("the event's run", lambda: [r for r in stack.runs("retrain") if skips_paused(r)])
    assert skipped[0]["state"]["message"].endswith("the agency resends April")
    assert not accepted("day-2")
    assert stack.verb("resume", "fares", "--reason", "April is in").returncode == 0
    wait_for("the file to be taken in", lambda: accepted("day-2"))


def skips_paused(run: dict[str, object]) -> bool:
    state = run["state"]
    assert isinstance(state, dict)
    message = state["message"] or ""
    return state["name"] == "Skipped" and message.startswith("automatic work is paused: ")


def test_a_run_that_was_killed_is_said_to_have_crashed_and_taken_up_again(
    stack: Stack, champion: str, held_up: Path
) -> None:
    trained = len(facts(ChallengerTrained))
    claim = wait_for("a training to begin", training_claim)
    psutil.Process(claim.owner.pid).send_signal(signal.SIGKILL)
    held_up.unlink()
    wait_for("another to end it", lambda: len(facts(ChallengerTrained)) > trained)
    states = {run["id"]: run["state"]["name"] for run in stack.runs("retrain")}
    assert states[claim.owner.run_id] == "Crashed"
    wait_for("the runs to end", lambda: is_quiet(stack))
    keys = [fact.run_key for fact in facts(ChallengerTrained)]
    assert len(keys) == len(set(keys))


def test_a_retry_from_the_ui_takes_its_own_claim_up_again(stack: Stack, champion: str, held_up: Path) -> None:
    take_in("fares", clock.now(), [write(stack.home / "day-3.parquet", day(3))])
    stack.verb("pause", "fares", "--reason", "only the retry may train")
    asked = subprocess.run(
        [*PREFECT, "deployment", "run", "retrain/on-demand", "-p", "model=fares"],
        env=stack.environment, check=True, capture_output=True,
    )  # fmt: skip
    claim = wait_for("the training to begin", training_claim)
    run_id = claim.owner.run_id
    assert run_id in asked.stdout.decode()
    psutil.Process(claim.owner.pid).send_signal(signal.SIGKILL)
    wait_for("the crash to be seen", lambda: stack.run(run_id)["state_type"] == "CRASHED")
    held_up.unlink()
    wait_for("the retry to end", lambda: has_ended_by_retry(stack, run_id))
    assert stack.run(run_id)["state"]["name"] in {"Promoted", "Refused"}
    assert facts(ChallengerTrained)[-1].run_key == claim.key
    stack.verb("resume", "fares", "--reason", "done")


def has_ended_by_retry(stack: Stack, run_id: str) -> bool:
    """Retry the run while it is crashed: the worker reports a crash twice, the second time over a retry."""
    state = stack.run(run_id)["state_type"]
    if state == "CRASHED":
        again = {"type": "SCHEDULED", "name": "AwaitingRetry"}
        stack.post(f"/flow_runs/{run_id}/set_state", state=again, force=True)
    return bool(state == "COMPLETED")


def test_a_rollout_that_nobody_asks_is_ended_at_its_deadline_and_shown_by_prefect(
    stack: Stack, champion: str
) -> None:
    seen, challenger = ledger().rollout("fares"), like(champion)
    hurried = replace(POLICY, interval=timedelta(seconds=1), deadline=timedelta(seconds=4))
    began = start(seen, challenger, hurried, clock.now()).fact
    assert isinstance(began, RolloutStarted)
    ledger().change_rollout(seen, began, clock.now(), "tests")
    wait_for("the end of the rollout", lambda: facts(RolloutAborted))
    [aborted] = facts(RolloutAborted)
    assert aborted.challenger == challenger
    assert "inconclusive at the deadline of 0:00:04: evidence: 0 requests" in aborted.reason
    wait_for("the pointer", lambda: pointer()["generation"] == aborted.generation)
    assert [arm["digest"] for arm in pointer()["arms"]] == [champion]
    [shown, *_] = wait_for(
        "runs that show it",
        lambda: [run for run in stack.runs("rollout") if run["state_type"] == "COMPLETED"],
    )
    assert shown["name"] == "fares · rollout · look"


def test_two_controllers_ask_for_a_run_once(stack: Stack, champion: str) -> None:
    stack.start("controller 2")
    before = len(stack.runs("ingest"))
    deliver(stack, "day-4", day(4))
    wait_for("the file to be taken in", lambda: accepted("day-4"))
    wait_for("the runs to end", lambda: is_quiet(stack))
    stack.kill("controller 2")
    assert len(stack.runs("ingest")) == before + 1
    asked = [(fact.key, fact.attempt) for fact in facts(RunRequested)]
    assert len(asked) == len(set(asked))


def test_work_whose_every_run_failed_is_parked_until_it_is_resumed(stack: Stack, champion: str) -> None:
    file = write(stack.home / "day-5.parquet", day(5))
    key = f"ingest:fares:inbox:{sha256_of([digest_of_file(file)])}"
    deployment = stack.get("/deployments/name/ingest/on-demand")["id"]
    for attempt in range(1, 5):
        ledger().append("fares", RunRequested(key, "ingest", "arrived", attempt), clock.now(), "tests")
        run = stack.post(
            f"/deployments/{deployment}/create_flow_run",
            parameters={"model": "fares"}, idempotency_key=f"{key}#{attempt}",
            state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}},
        )  # fmt: skip
        failed = {"type": "FAILED", "message": "the disk is full"}
        stack.post(f"/flow_runs/{run['id']}/set_state", state=failed, force=True)
    deliver(stack, "day-5", day(5))
    wait_for("it to be parked", lambda: facts(RunParked))
    assert facts(RunParked) == [RunParked(key, "ingest", 4, "arrived, day-5.parquet: still undone")]
    assert not accepted("day-5")
    stack.verb("resume", "fares", "--reason", "the disk has room")
    wait_for("the file to be taken in", lambda: accepted("day-5"))


def test_a_server_that_lost_its_database_is_told_everything_again(stack: Stack, champion: str) -> None:
    stack.kill("server")
    for file in (stack.home / "var" / "prefect").glob("prefect.db*"):
        file.unlink()
    deliver(stack, "day-6", day(6))
    time.sleep(2)  # for the controller to find nobody there
    stack.start("server")
    wait_for("the file to be taken in", lambda: accepted("day-6"))
    assert "no Prefect server answers at" in stack.log("controller")


def test_a_model_deleted_under_way_is_said_and_its_champion_stays(
    stack: Stack, champion: str, held_up: Path
) -> None:
    deliver(stack, "day-7", day(7))
    claim = wait_for("a training to begin", training_claim)
    moved = (stack.models / "fares").rename(stack.home / "fares-elsewhere")
    held_up.unlink()
    wait_for("the run to end", lambda: stack.run(claim.owner.run_id)["state_type"] == "FAILED")
    assert "fares" in stack.run(claim.owner.run_id)["state"]["message"]
    assert pointer()["arms"][0]["digest"] == facts(ChampionPromoted)[-1].digest
    moved.rename(stack.models / "fares")
