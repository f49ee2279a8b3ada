"""Does `millrace deploy` make a real Prefect server know what prefect.yaml and the models say?"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from millrace.settings import PROJECT_ROOT
from tests.conftest import PLANTED, Home

AUTH = "admin:a secret of the tests"
COMMAND = str(Path(sys.executable).with_name("millrace"))
DEADLINE_SECONDS = 120.0
"""How long the server may take for anything before a test says that it does not come."""

DEPLOYMENTS = {
    "ingest/on-demand": {},
    "ingest/on-schedule": {"reason": "schedule"},
    "retrain/on-demand": {},
    "retrain/on-schedule": {"reason": "schedule"},
    "retrain/on-refit-schedule": {"reason": "refit"},
    "retrain/on-event": {},
    "monitor/on-demand": {},
    "monitor/on-schedule": {"reason": "schedule"},
    "rollout/on-demand": {},
    "rollback/on-demand": {},
    "score/on-demand": {},
}
EVENTS = {
    "millrace: new rows": "millrace.data.pinned",
    "millrace: drift": "millrace.drift.detected",
    "millrace: decay": "millrace.performance.decayed",
}


EMIT = """
from prefect.events import emit_event
from tasks.events import DATA_PINNED

def emit(event, about, **payload):
    emit_event(event, resource={"prefect.resource.id": about}, payload=payload)

emit(DATA_PINNED, "millrace.model.none", new_rows=32)
emit(DATA_PINNED, "another.one", model="x", new_rows=33)
emit(DATA_PINNED, "millrace.model.fares", model="fares", new_rows=31)
emit("millrace.drift.detected", "millrace.model.tolls", model="tolls", share=0.41)
"""
"""An event without a model, one of somebody else's, and two of ours."""


def eventually(find: Callable[[], Any]) -> Any:
    """Ask again until there is an answer."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, "the server never came to it"
        time.sleep(0.1)
    return found


@dataclass(frozen=True)
class Prefect:
    """A server, an installation that deploys to it, and the plain HTTP that reads what it knows."""

    server: "Server"
    home: Home
    http: httpx.Client

    def millrace(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "MILLRACE_"))
        }
        ours = {
            "MILLRACE_HOME": str(self.home.path),
            "MILLRACE_MODELS": str(self.home.models),
            "PREFECT_API_URL": self.server.url,
            "PREFECT_API_AUTH_STRING": AUTH,
        }
        return subprocess.run(
            [COMMAND, *arguments], env=kept | ours | environment, capture_output=True, text=True, check=False
        )

    def deploy(self) -> list[str]:
        """Deploy, and return what was put right."""
        done = self.millrace("deploy")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        return [line.removeprefix("put right: ") for line in lines if line.startswith("put right: ")]

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, dict[str, Any]]:
        flows = {flow["id"]: flow["name"] for flow in self.ask("POST", "/flows/filter")}
        return {
            f"{flows[one['flow_id']]}/{one['name']}": one for one in self.ask("POST", "/deployments/filter")
        }

    def schedules(self, deployment: str) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return cron and parameters of each schedule, by its slug."""
        schedules = self.deployments()[deployment]["schedules"]
        return {one["slug"]: (one["schedule"]["cron"], one["parameters"]) for one in schedules}

    def automations(self) -> list[dict[str, Any]]:
        return list(self.ask("POST", "/automations/filter"))

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        of_deployment = {"id": {"any_": [self.deployments()[deployment]["id"]]}}
        return list(self.ask("POST", "/flow_runs/filter", deployments=of_deployment))

    def scheduled(self, *models: str) -> dict[str, tuple[str, str]]:
        """Return model and time of each scheduled retraining, by its id, once each model has some."""

        def find() -> dict[str, tuple[str, str]] | None:
            runs = self.runs("retrain/on-schedule")
            found = {run["id"]: (run["parameters"]["model"], run["expected_start_time"]) for run in runs}
            return found if {model for model, _ in found.values()} == set(models) else None

        found: dict[str, tuple[str, str]] = eventually(find)
        return found


class Server:
    """Prefect on a free port, with a database of its own, which asks for an auth string."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        settings = {
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_API_AUTH_STRING": AUTH,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "0.5",
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], env=inherited | settings, stdout=log, stderr=log
            )
        try:
            eventually(lambda: self.process.poll() is None and answers(self.url))
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def lose_database(self) -> None:
        self.stop()
        for file in self.home.glob("prefect.db*"):
            file.unlink()
        self.start()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Prefect]:
    """A server with all deployments: `fares` trains at 6, refits and ingests hourly, `tolls` trains at 7."""
    root = tmp_path_factory.mktemp("deployments")
    home = Home.make(root, catalogue_template)
    home.add_model("fares")
    (home.models / "tolls").mkdir()
    of_tolls = (PLANTED / "fares" / "model.toml").read_text().replace('name = "fares"', 'name = "tolls"')
    (home.models / "tolls" / "model.toml").write_text(of_tolls)
    both = 'schedule = "0 6 * * *"\nrefit_schedule = "30 * * * *"'
    home.rewrite("fares", 'cooldown = "6h"', f'cooldown = "6h"\n{both}')
    home.rewrite("fares", "seed = 7", "seed = 7\nsearch = { trials = 3, folds = 2 }")
    home.rewrite("fares", 'block = "1d"', 'block = "1d"\nschedule = "5 * * * *"')
    home.rewrite("tolls", 'cooldown = "6h"', 'cooldown = "6h"\nschedule = "0 7 * * *"')
    for shipped in ("flights", "progression", "scenery"):
        shutil.rmtree(home.models / shipped)
    server = Server(root / "prefect")
    server.start()
    try:
        with httpx.Client(base_url=server.url, auth=("admin", AUTH[6:])) as http:
            prefect = Prefect(server, home, http)
            assert prefect.deploy() == [
                "work pool millrace: is missing",
                *(f"{name}: is not registered" for name in DEPLOYMENTS),
            ]
            yield prefect
    finally:
        server.stop()


def test_the_server_knows_what_the_file_and_the_models_say(prefect: Prefect) -> None:
    there = prefect.deployments()
    assert {name: one["parameters"] for name, one in there.items()} == DEPLOYMENTS
    assert {one["entrypoint"] for one in there.values()} == {
        f"flows.{flow}.{flow}" for flow in ("ingest", "retrain", "monitor", "rollout", "rollback", "score")
    }
    assert all(one["description"] and one["tags"] == ["millrace"] for one in there.values())
    assert {one["job_variables"]["working_dir"] for one in there.values()} == {str(PROJECT_ROOT)}
    assert prefect.ask("GET", "/work_pools/millrace")["type"] == "process"
    assert prefect.schedules("retrain/on-schedule") == {
        "fares": ("0 6 * * *", {"model": "fares"}),
        "tolls": ("0 7 * * *", {"model": "tolls"}),
    }
    assert prefect.schedules("retrain/on-refit-schedule") == {"fares": ("30 * * * *", {"model": "fares"})}
    assert prefect.schedules("ingest/on-schedule") == {"fares": ("5 * * * *", {"model": "fares"})}
    triggers = {one["name"]: one for one in prefect.automations()}
    assert {name: one["trigger"]["expect"] for name, one in triggers.items()} == {
        name: [event] for name, event in EVENTS.items()
    }
    assert all(
        one["actions"][0]["deployment_id"] == there["retrain/on-event"]["id"] for one in triggers.values()
    )


def test_a_second_deploy_changes_no_id_and_no_scheduled_run(prefect: Prefect) -> None:
    def everything() -> tuple[Any, ...]:
        return prefect.scheduled("fares", "tolls"), prefect.deployments(), prefect.automations()

    prefect.scheduled("fares", "tolls")
    before = everything()
    done = prefect.millrace("deploy")
    assert "nothing to change" in done.stdout
    assert everything() == before


def test_a_pinned_batch_starts_a_retraining_of_its_model_and_says_why(prefect: Prefect) -> None:
    env = os.environ | {"PREFECT_API_URL": prefect.server.url, "PREFECT_API_AUTH_STRING": AUTH}
    subprocess.run([sys.executable, "-c", EMIT], env=env, cwd=PROJECT_ROOT, check=True)
    # events are taken in order: once the last has a run, the others have had their turn
    runs = eventually(lambda: len(found := prefect.runs("retrain/on-event")) >= 2 and found)
    assert sorted((run["parameters"] for run in runs), key=str) == [
        {"model": "fares", "reason": "new rows", "detail": "31"},
        {"model": "tolls", "reason": "drift", "detail": "0.41"},
    ]


def test_a_changed_schedule_keeps_its_id_and_one_that_is_gone_takes_its_runs_along(prefect: Prefect) -> None:
    prefect.scheduled("fares", "tolls")
    ids = {one["slug"]: one["id"] for one in prefect.deployments()["retrain/on-schedule"]["schedules"]}
    prefect.home.rewrite("fares", "0 6 * * *", "30 8 * * *")
    prefect.home.rewrite("tolls", 'schedule = "0 7 * * *"', "")
    assert prefect.deploy() == [
        "retrain/on-schedule: schedule 'fares': cron is '0 6 * * *', not '30 8 * * *'",
        "retrain/on-schedule: schedule 'tolls' is there, and not wanted",
    ]
    assert prefect.schedules("retrain/on-schedule") == {"fares": ("30 8 * * *", {"model": "fares"})}
    [left] = prefect.deployments()["retrain/on-schedule"]["schedules"]
    assert left["id"] == ids["fares"]
    runs = prefect.scheduled("fares")
    assert {when[11:16] for _, when in runs.values()} == {"08:30"}
    assert Counter(runs.values()).most_common(1)[0][1] == 1


def test_what_somebody_changed_by_hand_is_found_said_and_put_right(prefect: Prefect) -> None:
    there = prefect.deployments()
    old, event = there["retrain/on-demand"], there["retrain/on-event"]
    prefect.ask("PATCH", f"/deployments/{old['id']}", tags=["millrace"], description="Mine now.")
    prefect.ask(
        "POST", "/deployments/", name="old", flow_id=old["flow_id"], entrypoint="gone", tags=["millrace"],
        work_pool_name="millrace",
    )  # fmt: skip
    prefect.ask("POST", "/deployments/", name="theirs", flow_id=old["flow_id"], tags=["another team"])
    by_hand = [{"schedule": {"cron": "1 1 * * *"}, "parameters": {"model": "fares"}}]
    prefect.http.post(f"/deployments/{event['id']}/schedules", json=by_hand).raise_for_status()
    triggers = {one["name"]: one for one in prefect.automations()}
    prefect.ask("PATCH", f"/automations/{triggers['millrace: drift']['id']}", enabled=False)
    twice = {
        key: value
        for key, value in triggers["millrace: decay"].items()
        if key not in ("id", "created", "updated")
    }
    prefect.ask("POST", "/automations/", **twice)
    prefect.ask("POST", "/automations/", **(twice | {"name": "tell me of decay"}))

    found = prefect.deploy()
    [schedule] = [line for line in found if "schedule" in line]
    assert schedule.startswith("retrain/on-event: schedule 'id ")
    assert [line for line in found if line != schedule] == [
        f"retrain/on-demand: description is 'Mine now.', not {old['description'][:59]!r:.60}…",
        "retrain/on-event: trigger 'millrace: decay (2)' is there, and not wanted",
        "retrain/on-event: trigger 'millrace: drift': enabled is False, not True",
        "retrain/old: is registered, and not wanted",
    ]
    assert prefect.deployments().keys() == {*DEPLOYMENTS, "retrain/theirs"}
    assert sorted(one["name"] for one in prefect.automations()) == sorted([*EVENTS, "tell me of decay"])
    assert prefect.deploy() == []


def test_a_server_that_lost_its_database_is_told_all_again(prefect: Prefect) -> None:
    prefect.server.lose_database()
    assert len(prefect.deploy()) == len(DEPLOYMENTS) + 1
    assert prefect.deployments().keys() == DEPLOYMENTS.keys()
    assert sorted(one["name"] for one in prefect.automations()) == sorted(EVENTS)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PREFECT_API_URL": ""}, "PREFECT_API_URL names no Prefect server. Start one by `make up`"),
        (
            {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
            "no Prefect server answers at http://127.0.0.1:9/api: ",
        ),
        ({"PREFECT_API_AUTH_STRING": "admin:guessed"}, "refuses PREFECT_API_AUTH_STRING"),
    ],
)
def test_a_server_that_cannot_be_told_is_one_line_that_says_what_to_do(
    prefect: Prefect, environment: dict[str, str], said: str
) -> None:
    done = prefect.millrace("deploy", **environment)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_mistake_in_the_file_is_said_with_its_place(tmp_path: Path) -> None:
    from millrace.adapters.prefect_file import PrefectFileError, read_prefect_file

    file = tmp_path / "prefect.yaml"
    file.write_text((PROJECT_ROOT / "prefect.yaml").read_text().replace("description:", "descripton:", 1))
    with pytest.raises(PrefectFileError, match=r"`descripton`.*deployments\[0\]"):
        read_prefect_file(file)
