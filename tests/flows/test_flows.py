"""What the flows do in order, one run per branch; what each step does is tested in tests/steps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)

from flows.ingest import ingest
from flows.retrain import retrain
from flows.rollback import rollback
from flows.rollout import rollout
from millrace.adapters.batches import BatchNotFoundError
from millrace.adapters.channel import read_pointer
from millrace.adapters.keys import verify
from millrace.adapters.ledger import StaleGenerationError
from millrace.adapters.models import change_section, load_source
from millrace.adapters.parts import CorruptPartError
from millrace.domain.decision import Reason
from millrace.domain.facts import Action
from millrace.domain.rollout.state import Phase
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.batch import BatchOutcome
from millrace.steps.dataset import current_dataset
from millrace.steps.rollout import Act, UnseenStepError
from millrace.steps.stores import catalogue
from tests import loop
from tests.conftest import NOON, ROLLOUT, Home
from tests.webhook import Webhook

pytestmark = pytest.mark.usefixtures("prefect_server")

TAKEN_IN = ("ContractChanged", "BatchAccepted")
PROMOTED = ["DecisionMade", "ChallengerTrained", "ChallengerJudged", "VersionRegistered", "ChampionPromoted"]


@dataclass(frozen=True)
class Ran:
    """A flow run as Prefect remembers it, and what the flow returned."""

    name: str
    result: Any
    artifacts: dict[str, str]
    task_runs: dict[str, int]
    """How often each task was started, by its name."""


def run(flow: Flow[..., Any], *arguments: Any, **named: Any) -> Ran:
    state = flow(*arguments, **named, return_state=True)
    of_run = state.state_details.flow_run_id
    assert isinstance(of_run, UUID)
    with get_client(sync_client=True) as client:
        name = client.read_flow_run(of_run).name
        only = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[of_run]))
        artifacts = {
            str(one.key).rpartition("-")[2]: str(one.data)
            for one in client.read_artifacts(artifact_filter=only)
        }
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[of_run])))
    counts = {task.name.rsplit("-", 1)[0]: task.run_count for task in tasks}
    return Ran(name, state.result(raise_on_failure=False), artifacts, counts)


def published(model: str) -> str | None:
    settings = load_settings()
    pointer = read_pointer(settings.channel, model, lambda *signed: verify(settings.keys, *signed))
    return pointer.arms[0].digest if pointer else None


@pytest.mark.parametrize(
    ("model", "kinds"), [("fares", PROMOTED), ("progression", [*PROMOTED, "ServingConfigured"])]
)
def test_a_first_model_is_judged_registered_promoted_and_published_in_this_order(
    fares: Home, model: str, kinds: list[str]
) -> None:
    loop.take_in(model, NOON)
    ran = run(retrain, model, Reason.SCHEDULE, now=NOON)
    assert ran.name == f"{model} · retrain · schedule"
    assert [kind for kind in fares.kinds(model) if kind not in TAKEN_IN] == kinds
    assert ran.result.judged.outcome is Outcome.PASS
    assert fares.serving(model).champion == ran.result.trained.digest == published(model)
    assert catalogue().alias(model, "champion") == ran.result.registered.version == 1
    assert ran.artifacts["decision"].startswith("**TRAIN**: schedule; no champion yet")
    assert ran.artifacts["gate"].startswith("**pass**: floors: MAE ")
    assert "| linear_baseline | pass |" in ran.artifacts["gate"]


def test_a_bad_challenger_ends_refused_with_an_alert_and_the_champion_untouched(
    fares: Home, webhook: Webhook
) -> None:
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON, in_catalogue=True)
    before = fares.serving("fares")
    fares.learn_from("fares", "noise")
    ran = run(retrain, "fares", Reason.CONFIG, now=NOON + timedelta(days=1))
    assert ran.result.judged.outcome is Outcome.FAIL
    assert ran.artifacts["gate"].startswith("**fail**: recent_champion: MAE ")
    assert "start the rollout" not in ran.task_runs
    assert fares.serving("fares") == before
    assert published("fares") == before.champion
    assert webhook.titles == [f"fares: challenger {ran.result.judged.digest[:12]} was refused"]


def test_a_run_that_is_not_due_ends_early_with_its_decision_recorded(fares: Home) -> None:
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON)
    before = fares.kinds("fares")
    ran = run(retrain, "fares", Reason.SCHEDULE, now=NOON + timedelta(days=1))
    assert ran.result.decision.action is Action.SKIP
    assert ran.result.trained is None
    assert ran.artifacts["decision"].startswith("**SKIP**: same inputs as the last finished training")
    assert set(ran.task_runs) == {"decide", "send alerts"}
    assert fares.kinds("fares") == [*before, "DecisionMade"]


def test_a_rotten_part_ends_the_run_before_training_and_is_not_tried_again(fares: Home) -> None:
    loop.take_in("fares", NOON)
    [part, *_] = current_dataset("fares").parts
    file = fares.path / "data" / "fares" / f"{part.sha256}.parquet"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()
    file.write_bytes(content)
    ran = run(retrain, "fares", now=NOON)
    assert isinstance(ran.result, CorruptPartError)
    assert ran.task_runs == {"decide": 1}
    assert "ChallengerTrained" not in fares.kinds("fares")


def test_what_arrives_is_accepted_or_quarantined_with_a_report_and_an_alert(
    fares: Home, webhook: Webhook
) -> None:
    month = load_source(fares.models, "fares").read_batch("2013-01")
    good, bad = fares.inbox("fares", "january.parquet"), fares.inbox("fares", "february.parquet")
    month.to_parquet(good, index=False)
    month.drop(columns="noise").to_parquet(bad, index=False)
    ran = run(ingest, "fares", [good, bad], NOON)
    assert ran.name == "fares · ingest · by hand"
    assert [one.outcome for one in ran.result] == [BatchOutcome.ACCEPTED, BatchOutcome.QUARANTINED]
    assert "column 'noise' is missing" in ran.artifacts["violations"]
    assert webhook.titles == ["fares: batch february.parquet is in quarantine"]
    assert (fares.path / "datasets" / "fares.json").read_text() == current_dataset("fares").text


def test_an_error_of_ours_is_not_tried_again(fares: Home) -> None:
    ran = run(ingest, "fares", [Path("/nowhere/april.csv")], NOON)
    assert isinstance(ran.result, BatchNotFoundError)
    assert ran.task_runs["stage the batch"] == 1


def test_a_rollback_goes_back_one_champion_publishes_it_and_tells_people(
    fares: Home, webhook: Webhook
) -> None:
    loop.take_in("fares", NOON)
    first = loop.retrain("fares", NOON, in_catalogue=True).judged
    fares.learn_from("fares", "distance_km", "tariff")
    loop.retrain("fares", NOON + timedelta(days=1), in_catalogue=True)
    ran = run(rollback, "fares", "answers 1.0 for every ride", NOON + timedelta(days=2))
    assert first is not None
    assert ran.name == "fares · rollback"
    assert fares.serving("fares").champion == ran.result.digest == first.digest == published("fares")
    assert catalogue().alias("fares", "champion") == 1
    assert webhook.titles == [f"fares: rolled back to {first.digest[:12]}"]


def test_every_step_of_the_flows_is_in_the_loop_that_the_other_tests_run(fares: Home) -> None:
    """tests/loop.py is the flows without Prefect: both must leave the same entries."""
    fares.rewrite("fares", "[retrain]", '[serving]\ndurability = "fast"\n\n[retrain]')
    ways: dict[str, Callable[[datetime], object]] = {
        "loop": lambda now: (loop.take_in("fares", now), loop.retrain("fares", now, in_catalogue=True)),
        "flows": lambda now: (ingest("progression", now=now), retrain("progression", now=now)),
    }
    for act in ways.values():
        act(NOON)
    left = {model: list(dict.fromkeys(fares.kinds(model))) for model in ("fares", "progression")}
    assert left["fares"] == left["progression"] == [*TAKEN_IN, *PROMOTED, "ServingConfigured"]


def test_a_rollout_is_shown_with_each_turn_and_what_a_person_says_to_it_is_recorded(fares: Home) -> None:
    change_section(fares.models, "fares", "rollout", ROLLOUT)
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON, in_catalogue=True)
    fares.learn_from("fares", "distance_km", "tariff")
    challenged = run(retrain, "fares", Reason.CONFIG)
    assert challenged.result.rollout.after.phase is Phase.SHADOW
    champion, challenger = fares.serving("fares").champion, challenged.result.judged.digest
    assert published("fares") == champion != challenger
    looked = run(rollout, "fares")
    assert looked.name == "fares · rollout · look"
    assert "0 requests of 500 needed" in looked.result.reason
    assert f"rollout of {challenger[:12]} began, canary | shadow | 0 %" in looked.artifacts["rollout"]
    unseen = run(rollout, "fares", Act.APPROVE, "fine", "ann")
    assert isinstance(unseen.result, UnseenStepError)
    late = run(rollout, "fares", Act.REJECT, "not fine", "ann", 1)
    assert isinstance(late.result, StaleGenerationError)
    said = run(rollout, "fares", Act.ABORT, "it smells", "ann")
    assert said.name == "fares · rollout · abort"
    told = f"| ann (Prefect) | rollout of {challenger[:12]} aborted: it smells | idle |"
    assert told in said.artifacts["rollout"]
    assert fares.serving("fares").challenger is None
    assert published("fares") == champion
