"""What missed periods and a moved clock may not do: lose something, or do something twice."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters import clock
from millrace.domain.facts import Action, ChallengerTrained, DecisionMade, RunRequested
from millrace.steps.inbox import InboxWatch
from millrace.steps.work import find_work
from tests.controller.agreement import assert_all_agree, assert_nothing_was_trained_twice
from tests.controller.conftest import lay_out
from tests.controller.fares import (
    MONTHS,
    accepted,
    crown,
    deliver,
    facts,
    hold_up,
    later_day,
    rides,
    training_claim,
    write,
)
from tests.controller.stack import Stack, running, wait_for
from tests.loop import retrain, take_in

DEADLINE_SECONDS = 720
PERIODS = 24

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path, catalogue_template: Path) -> Iterator[Stack]:
    """A server that knows the deployments, for one test; what else runs, the test starts."""
    home = lay_out(tmp_path, catalogue_template)
    with running(Stack(home.path, home.models), "server") as stack:
        yield stack


@pytest.fixture
def due(stack: Stack) -> datetime:
    """When `fares` was due last: some minutes ago; it has a champion of a month ago, decided on then."""
    due = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=3)
    file = stack.models / "fares" / "model.toml"
    file.write_text(file.read_text().replace("[retrain]", f'[retrain]\nschedule = "{due:%M %H} * * *"'))
    then = due - timedelta(days=PERIODS + 6)
    take_in("fares", then, [write(stack.home / f"{month}.parquet", rides(month)) for month in MONTHS])
    assert retrain("fares", then, in_catalogue=True).decision.action is Action.TRAIN
    return due


def test_of_the_runs_for_periods_that_were_missed_one_decides(stack: Stack, due: datetime) -> None:
    """24 daily runs that became due while no worker was there, and a day of new rows.

    Proves that one of them catches up on all periods, with a training, and that the others end as skipped
    because the period was decided, two at a time as they run.
    """
    take_in("fares", clock.now(), [write(stack.home / "day.parquet", later_day(0))])
    deployment = stack.get("/deployments/name/retrain/on-schedule")["id"]
    for days in range(PERIODS):
        at = (due - timedelta(days=days)).isoformat()
        stack.post(
            f"/deployments/{deployment}/create_flow_run",
            parameters={"model": "fares"},
            state={"type": "SCHEDULED", "state_details": {"scheduled_time": at}},
        )
    stack.start("worker")
    wait_for("all of them to end", lambda: not stack.alive(), DEADLINE_SECONDS)
    runs = stack.runs("retrain")
    decided = f"the schedule was due at {due:%Y-%m-%d %H:%M} UTC, decided at "
    late = [run for run in runs if (run["state"]["message"] or "").startswith(decided)]
    assert len(late) == PERIODS - 1
    assert {run["state"]["name"] for run in late} == {"Skipped"}
    [deciding] = [run for run in runs if run not in late]
    assert deciding["state"]["name"] in {"Promoted", "Refused"}
    assert len(facts(ChallengerTrained)) == 2
    assert [made.action for made in facts(DecisionMade)] == [Action.TRAIN, Action.TRAIN] + [Action.SKIP] * (
        PERIODS - 1
    )


def test_for_periods_whose_runs_are_all_lost_the_controller_asks_for_one(stack: Stack, due: datetime) -> None:
    """A month of periods of which Prefect knows nothing, nothing new to learn from, and a controller.

    Proves that it asks for one run with the reason `schedule`, which decides, and for no other.
    """
    stack.start("worker")
    stack.start("controller")
    wait_for("a decision", lambda: len(facts(DecisionMade)) > 1)
    wait_for("its run to end", lambda: not due_runs(stack))
    assert find_work("fares", InboxWatch(), clock.now()) == []
    [asked] = facts(RunRequested)
    assert (asked.flow, asked.attempt) == ("retrain", 1)
    assert asked.reason == f"schedule, due at {due:%Y-%m-%d %H:%M} UTC"
    ended = [run for run in stack.runs("retrain") if run["state_type"] == "COMPLETED"]
    assert [run["name"] for run in ended] == ["fares · retrain · schedule"]
    assert ended[0]["state"]["message"].startswith("same inputs as the last finished training: ")
    assert len(facts(DecisionMade)) == 2


def due_runs(stack: Stack) -> list[dict[str, Any]]:
    """List what has still to end; the next runs of a schedule are for later."""
    now = clock.now()
    return [run for run in stack.alive() if datetime.fromisoformat(run["expected_start_time"]) <= now]


@pytest.fixture
def moved_clock(stack: Stack) -> Path:
    """A file that says by how many seconds the clock of worker, controller and all runs is off.

    Python runs a `sitecustomize` on its path at every start. With the clock moves what Linux says of its
    own start, and with it the start of each process as psutil reads it.
    """
    folder = stack.home / "moved"
    folder.mkdir()
    offset = folder / "offset"
    offset.write_text("0")
    (folder / "sitecustomize.py").write_text(MOVED_CLOCK.format(offset=str(offset)))
    stack.more_environment["PYTHONPATH"] = str(folder)
    return offset


MOVED_CLOCK = """
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from millrace.adapters import clock


def off():
    return float(Path({offset!r}).read_text())


boot_time = psutil._pslinux.boot_time
psutil._pslinux.boot_time = lambda: boot_time() + off()
clock.now = lambda: datetime.now(UTC) + timedelta(seconds=off())
"""


def test_a_clock_that_steps_back_an_hour_has_nothing_done_twice_and_stops_nothing(
    stack: Stack, moved_clock: Path
) -> None:
    """The clock of all processes but Prefect's server steps back an hour in the middle of a training.

    Proves that the training stays its owner's, whoever else asks for it; that a file which comes then is
    taken in; that its training, which seems to come before the last one, says so and is made up for once
    the clock is right; and that nothing is trained twice on the way.
    """
    stack.start("worker")
    stack.start("controller")
    crown(stack)
    hold = hold_up(stack)
    claim = wait_for("a training to begin", training_claim)
    moved_clock.write_text("-3600")
    deployment = stack.get("/deployments/name/retrain/on-demand")["id"]
    asked = stack.post(
        f"/deployments/{deployment}/create_flow_run", parameters={"model": "fares", "force": True}
    )
    wait_for("the second to end", lambda: stack.run(asked["id"])["state_type"] == "COMPLETED")
    assert f"is being done by run {claim.owner.run_id}" in stack.run(asked["id"])["state"]["message"]
    hold.unlink()
    wait_for("the first to end", lambda: stack.run(claim.owner.run_id)["state_type"] == "COMPLETED")
    assert [fact.run_key for fact in facts(ChallengerTrained)].count(claim.key) == 1

    deliver(stack, "while-back", later_day(0))
    wait_for("the file to be taken in", lambda: accepted("while-back"))
    reasons = wait_for(
        "its event to be decided on", lambda: [r for r in last_reasons() if "in the future" in r]
    )
    assert reasons[0].endswith("check the clock of this machine")
    trained = len(facts(ChallengerTrained))

    moved_clock.write_text("0")
    wait_for("the training of it", lambda: len(facts(ChallengerTrained)) > trained)
    wait_for("the runs to end", lambda: not stack.alive())
    assert_nothing_was_trained_twice()
    assert_all_agree()


def last_reasons() -> list[str]:
    return [made.reason for made in facts(DecisionMade)]
