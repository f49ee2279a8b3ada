"""What no storm and no crowd may do: lose something, or do something twice."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.adapters import clock
from millrace.adapters.batches import digest_of_file
from millrace.domain.facts import (
    BatchAccepted,
    BatchQuarantined,
    ChallengerTrained,
    RunParked,
    RunRequested,
)
from millrace.steps.audit import verify_everything
from millrace.steps.inbox import InboxWatch
from millrace.steps.stores import ledger
from millrace.steps.work import find_work
from tests.controller.agreement import assert_all_agree, assert_nothing_was_trained_twice
from tests.controller.conftest import lay_out
from tests.controller.fares import (
    MONTHS,
    crown,
    facts,
    rides,
    write,
)
from tests.controller.stack import PREFECT, Stack, running, wait_for
from tests.controller.storm import ARRIVALS, COPIES, UNKNOWN, Storm
from tests.loop import take_in

SEED = int(os.environ.get("MILLRACE_TEST_SEED", "20130401"))
DEADLINE_SECONDS = 720
CROWD = 50

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path, catalogue_template: Path) -> Iterator[Stack]:
    """A server that knows the deployments, for one test; what else runs, the test starts."""
    home = lay_out(tmp_path, catalogue_template)
    with running(Stack(home.path, home.models), "server") as stack:
        yield stack


@pytest.mark.parametrize("seed", [SEED], ids="seed {}".format)
def test_a_storm_of_arrivals_events_and_kills_loses_nothing_and_does_nothing_twice(
    stack: Stack, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 arrivals and 100 events, while server, worker and controller are killed with all they run.

    Proves that every distinct file is accepted exactly once and learned from, that no inputs are trained
    or registered twice, that nothing is given up, that an event of no model or an unknown one does no
    harm, and that at the end ledger, dataset, pin and pointer agree and no run is left unended.
    """
    stack.start("worker")
    stack.start("controller")
    crown(stack)
    storm, inbox, started = Storm(stack, seed), InboxWatch(), time.monotonic()
    storm.rage()
    left = ["all of it"]
    while left:
        assert time.monotonic() - started < DEADLINE_SECONDS, f"seed {seed}: {left} still wait"
        time.sleep(1)
        storm.supervise()
        left = what_waits(stack, inbox) if stack.is_up() else left
    with capsys.disabled():
        sys.stdout.write(summarise(stack, storm, time.monotonic() - started))
    assert_all_is_in_once(stack)
    assert_nothing_was_trained_twice()
    assert_all_agree()
    assert_unknown_models_did_no_harm(stack)


def what_waits(stack: Stack, inbox: InboxWatch) -> list[str]:
    """Name all that has still to be done: by the inbox, by the controller's own rules, by Prefect."""
    unseen = [
        path.name for path, digest in in_inbox(stack).items() if not ledger().arrival_state("fares", digest)
    ]
    work = [f"{work.flow}: {work.reason}, {work.detail}" for work in find_work("fares", inbox, clock.now())]
    runs = [f"run {run['id']}, {run['name']}, {run['state']['name']}" for run in stack.alive()]
    return [*unseen, *work, *runs]


def in_inbox(stack: Stack) -> dict[Path, str]:
    return {path: digest_of_file(path) for path in (stack.home / "inbox" / "fares").glob("*.parquet")}


def assert_all_is_in_once(stack: Stack) -> None:
    arrived = in_inbox(stack)
    assert len(arrived) == ARRIVALS + len(MONTHS)
    assert len(set(arrived.values())) == len(arrived) - COPIES
    assert sorted(fact.batch_digest for fact in facts(BatchAccepted)) == sorted(set(arrived.values()))
    assert facts(BatchQuarantined) == []
    assert facts(RunParked) == []


def assert_unknown_models_did_no_harm(stack: Stack) -> None:
    strangers = [run for run in stack.runs("retrain") if run["parameters"]["model"] != "fares"]
    assert {run["parameters"]["model"] for run in strangers} <= {UNKNOWN}
    assert {run["state"]["name"] for run in strangers} <= {"Failed", "Crashed"}
    assert ledger().entries(UNKNOWN) == []


def summarise(stack: Stack, storm: Storm, seconds: float) -> str:
    runs = Counter(
        f"{flow} {run['state']['name']}" for flow in ("ingest", "retrain") for run in stack.runs(flow)
    )
    asked, trained = facts(RunRequested), facts(ChallengerTrained)
    return "\n".join(
        [
            f"\nseed {storm.seed}, {seconds:.0f} s",
            ", ".join(f"{what} {count}" for what, count in sorted(storm.counts.items())),
            ", ".join(f"{what} {count}" for what, count in sorted(runs.items())),
            f"asked for {len(asked)} runs, {sum(one.attempt > 1 for one in asked)} of them retakes; "
            f"accepted {len(facts(BatchAccepted))} batches; trained {len(trained)} times\n",
        ]
    )


def test_fifty_runs_of_the_same_inputs_at_once_train_once(stack: Stack) -> None:
    """49 runs asked for through the API and one through the CLI, of one model whose inputs do not change.

    Proves that one trains and that the others end as skipped, each with the reason in its state.
    """
    take_in("fares", clock.now(), [write(stack.home / f"{month}.parquet", rides(month)) for month in MONTHS])
    deployment = stack.get("/deployments/name/retrain/on-demand")["id"]
    for _ in range(CROWD - 1):
        stack.post(f"/deployments/{deployment}/create_flow_run", parameters={"model": "fares"})
    subprocess.run(
        [*PREFECT, "deployment", "run", "retrain/on-demand", "-p", "model=fares"],
        env=stack.environment, check=True, capture_output=True,
    )  # fmt: skip
    stack.start("worker")
    wait_for("all of them to end", lambda: not stack.alive(), DEADLINE_SECONDS)
    runs = stack.runs("retrain")
    assert Counter(run["state"]["name"] for run in runs) == {"Promoted": 1, "Skipped": CROWD - 1}
    assert len(facts(ChallengerTrained)) == 1
    known = ("is being done by run", "was already done", "same inputs as the last finished training: ")
    skipped = [run["state"]["message"] for run in runs if run["state"]["name"] == "Skipped"]
    assert [message for message in skipped if not any(reason in message for reason in known)] == []
    assert any(known[0] in message for message in skipped), "none came while another was training"
    verify_everything()
