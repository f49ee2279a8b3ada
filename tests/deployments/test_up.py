"""Does `millrace up` start what a person needs, keep it up, say what is wrong, and leave nothing behind?"""

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from millrace.cli.up import STOPPING
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.up import Stack
from tests.deployments.running import Up, free_ports, wait_for

ORDERS = 600

A_LONG_RUN = """
import subprocess, sys, time
from prefect import flow

@flow
def long_run():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)
"""
ITS_DEPLOYMENT = """
deployments:
  - name: here
    entrypoint: long_run.py:long_run
    work_pool: {name: millrace}
    pull: [{prefect.deployments.steps.set_working_directory: {directory: .}}]
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A start costs ten seconds: one for all tests of this file."""
    up = Up.lay_out(tmp_path_factory.mktemp("up"))
    try:
        up.start()
        yield up
    finally:
        up.end()


@pytest.fixture
def up_again(tmp_path: Path) -> Iterator[Up]:
    """A start of its own, for a test that ends it the hard way."""
    up = Up.lay_out(tmp_path)
    try:
        up.start()
        yield up
    finally:
        up.end()


def test_prefect_answers_to_its_auth_string_only(up: Up) -> None:
    assert up.prefect("/deployments/count", auth="").status_code == httpx.codes.UNAUTHORIZED
    assert up.prefect("/deployments/count").json() > 0


def test_mlflow_shows_this_catalogue_and_answers_to_its_own_name_only(up: Up) -> None:
    url = f"http://127.0.0.1:{up.mlflow_port}"
    wait_for("MLflow", lambda: up.pid_of("uvicorn") is not None and answers(f"{url}/health"))
    experiments = f"{url}/api/2.0/mlflow/experiments/search"
    assert httpx.post(experiments, json={"max_results": 5}).json()["experiments"][0]["name"] == "Default"
    elsewhere = httpx.post(experiments, json={"max_results": 5}, headers={"Host": "evil.example"})
    assert elsewhere.status_code == httpx.codes.FORBIDDEN
    assert (up.home / "var" / "catalogue.sqlite").exists()


def wait_for_text(path: Path, word: str) -> str:
    wait_for(f"{word} in {path.name}", lambda: path.exists() and word in path.read_text())
    return path.read_text()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def test_the_prediction_service_lives_and_says_what_it_waits_for(up: Up) -> None:
    url = f"http://127.0.0.1:{up.serve_port}"
    wait_for("the service", lambda: answers(f"{url}/healthz"))
    waiting = httpx.get(f"{url}/readyz")
    assert (waiting.status_code, waiting.json()["models"]) == (httpx.codes.SERVICE_UNAVAILABLE, {})
    assert '"route":"readyz"' in wait_for_text(up.home / "var" / "log" / "access.log", "readyz")


def test_the_status_site_shows_this_home_where_the_terminal_says(up: Up) -> None:
    url = f"http://127.0.0.1:{up.ui_port}"
    assert f"Models   {url} " in up.terminal
    wait_for("the site", lambda: answers(f"{url}/index.json"))
    assert [line["status"]["model"] for line in httpx.get(f"{url}/index.json").json()["models"]] == ["fares"]


def test_what_holds_the_auth_string_is_for_its_owner_only(up: Up) -> None:
    folder = up.home / "var" / "prefect"
    assert [oct((folder / name).stat().st_mode & 0o777) for name in ("auth", "client.env")] == ["0o600"] * 2
    assert up.auth not in up.terminal
    assert up.auth not in (up.home / "var" / "log" / "millrace.log").read_text()


def test_each_line_of_the_one_log_names_its_program(up: Up) -> None:
    lines = (up.home / "var" / "log" / "millrace.log").read_text().splitlines()
    assert {line.split()[2] for line in lines} >= {
        "server",
        "mlflow",
        "worker",
        "controller",
        "deploy",
        "serve",
        "site",
    }


def test_a_second_start_names_the_first_and_leaves_it_alone(up: Up) -> None:
    said = up.try_to_start()
    assert f"is up already: Prefect http://127.0.0.1:{up.prefect_port}" in said
    assert up.process is not None
    assert f"`kill {up.process.pid}`" in said
    assert up.prefect("/deployments/count").json() > 0


def test_a_port_in_use_is_named_with_its_holder_and_the_option(up: Up, tmp_path: Path) -> None:
    other = Up.lay_out(tmp_path)
    other.prefect_port = up.prefect_port
    said = other.try_to_start()
    assert f"port {up.prefect_port} of 127.0.0.1 is held by pid {up.pid_of('server', 'start')}" in said
    assert "--prefect-port" in said
    with socket.create_server(("127.0.0.1", 0)) as held:
        [other.prefect_port], other.mlflow_port = free_ports(1), held.getsockname()[1]
        said = other.try_to_start()
    assert f"is held by pid {os.getpid()}" in said
    assert "--mlflow-port" in said


def test_another_shell_works_on_the_same_server_and_home(up: Up) -> None:
    trained = up.in_a_shell("millrace retrain fares")
    assert "champion none -> " in trained.stdout, trained.stderr
    assert "COMPLETED" in up.states("retrain")
    before = len(up.states("retrain"))  # the controller may have asked too: rows have come
    asked = up.in_a_shell("prefect deployment run retrain/on-demand -p model=fares")
    assert asked.returncode == 0, asked.stderr
    wait_for("the worker's run", lambda: up.states("retrain").count("COMPLETED") > before)


def test_a_model_that_new_makes_of_a_file_is_known_to_all_that_runs_without_an_edit(up: Up) -> None:
    bring_example_without_its_data(up)
    file, asked = write_orders(up.home.parent / "orders.csv")
    made = up.in_a_shell(f"millrace new returns --data '{file}' --target returned")
    assert made.returncode == 0, made.stderr
    # its rows wait in its inbox: the controller has them taken in and trained on, the service follows
    wait_for("its champion", lambda: answers(f"http://127.0.0.1:{up.serve_port}/v1/models/returns"))
    predicted = httpx.post(f"http://127.0.0.1:{up.serve_port}/v1/models/returns/predict", json=asked)
    assert [one["arm"] for one in predicted.json()["answers"]] == ["answer"] * len(asked)

    # the controller may have been first; either way all is as prefect.yaml and the models say
    deployed = up.in_a_shell("millrace deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert {"retrain", "monitor"} <= {flow for flow, model in up.schedules() if model == "returns"}
    looked = up.in_a_shell("prefect deployment run monitor/on-demand -p model=returns --watch")
    assert "COMPLETED" in up.states("monitor"), looked.stdout + looked.stderr

    site = f"http://127.0.0.1:{up.ui_port}"
    shown = {line["status"]["model"]: line for line in httpx.get(f"{site}/index.json").json()["models"]}
    assert shown["returns"]["rollout"]["champion"] == predicted.json()["answers"][0]["digest"]
    assert f"{len(asked)} rows" in httpx.get(f"{site}/models/returns/monitoring").text

    # of the example that nobody asked for there is what the pin needs
    wait_for_text(up.home / "var" / "log" / "millrace.log", "1 parts of progression are listed in datasets/")
    assert len(list((up.home / "data" / "progression").iterdir())) == 1
    assert "none" in up.in_a_shell("millrace status").stdout.split("progression")[1].splitlines()[0]


def bring_example_without_its_data(up: Up) -> None:
    """Add a model whose data nobody has brought back, as in a fresh clone."""
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        PROJECT_ROOT / "models" / "progression", up.home.parent / "models" / "progression", ignore=leave
    )
    (up.home / "datasets").mkdir(exist_ok=True)
    shutil.copy(PROJECT_ROOT / "datasets" / "progression.json", up.home / "datasets")


def write_orders(path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Write orders of which the heavy ones come back; return the first of them as they are asked about."""
    drawn = np.random.default_rng(1)
    weight, shop = drawn.gamma(2.0, 2.0, ORDERS).round(2), drawn.choice(["Köln", "Lyon", "Łódź"], ORDERS)
    comes_back = drawn.random(ORDERS) < 1.0 / (1.0 + np.exp(4.0 - weight))
    asked = pd.DataFrame({"order no": np.arange(ORDERS), "weight kg": weight, "shop": shop})
    asked.assign(returned=np.where(comes_back, "yes", "no")).to_csv(path, index=False)
    return path, json.loads(asked.head(30).to_json(orient="records"))


def test_a_killed_server_is_started_again_with_its_data(up: Up) -> None:
    deployed, killed = up.prefect("/deployments/count").json(), up.pid_of("server", "start")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_for("another server", lambda: up.pid_of("server", "start") not in {None, killed})
    wait_for("its answer", lambda: answers(f"http://127.0.0.1:{up.prefect_port}/api/health"))
    assert up.prefect("/deployments/count").json() == deployed
    assert "server ended" in up.terminal


def test_ctrl_c_ends_all_in_order(up: Up) -> None:
    assert up.press_ctrl_c() == 0
    assert up.left() == []
    assert up.terminal.splitlines()[-2:] == [STOPPING, "stopped; `make up` goes on from here"]


def test_a_catalogue_that_is_a_server_needs_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://someone:secret@mlflow.example.org/team")
    stack = Stack(load_settings(), 4200, 5000, 8300, 8400)
    assert not stack.has_mlflow
    assert stack.mlflow_url == "https://mlflow.example.org/team"


@pytest.mark.slow
def test_ctrl_c_ends_a_flow_run_under_way_and_prefect_knows(up_again: Up) -> None:
    up = up_again
    (up.home / "long_run.py").write_text(A_LONG_RUN)
    (up.home / "prefect.yaml").write_text(ITS_DEPLOYMENT.replace("directory: .", f"directory: '{up.home}'"))
    asked = up.in_a_shell("prefect --no-prompt deploy --all && prefect deployment run long-run/here")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    wait_for("the run's own process", lambda: up.pid_of("time.sleep(600)") is not None)
    assert up.press_ctrl_c() == 0
    assert up.left() == []
    up.start()
    assert up.states("long-run") == ["CRASHED"]


@pytest.mark.slow
def test_a_killed_supervisor_takes_everything_along_and_says_so(up_again: Up) -> None:
    supervisor = up_again.pid_of("supervisor.supervisord")
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    assert up_again.process is not None
    assert up_again.process.wait() == 1
    assert up_again.left() == []
    assert "the supervisor was killed by signal 9" in up_again.terminal


@pytest.mark.slow
def test_what_two_kills_leave_behind_is_named_by_the_next_start(up_again: Up) -> None:
    supervisor = up_again.pid_of("supervisor.supervisord")
    assert supervisor is not None
    assert up_again.process is not None
    up_again.process.kill()
    up_again.process.wait()
    assert f"`kill {supervisor}`" in up_again.try_to_start()
    os.kill(supervisor, signal.SIGKILL)
    wait_for("the lock", lambda: "is up already" not in up_again.try_to_start())
    said = up_again.try_to_start()
    assert "an earlier start was killed and left" in said
    assert f"{up_again.pid_of('server', 'start')} prefect server start" in said


@pytest.mark.slow
def test_a_program_that_does_not_stay_up_is_said_on_the_terminal(tmp_path: Path) -> None:
    up = Up.lay_out(tmp_path)
    (up.home / "var").mkdir()
    (up.home / "var" / "catalogue.sqlite").write_text("this is no database")
    try:
        up.start()
        wait_for("the end of trying", lambda: "mlflow does not stay up and was given up" in up.terminal)
    finally:
        up.end()
    assert "mlflow ended while starting and is started again" in up.terminal
