"""Does Prefect's server of one process serve its flows, end with it, and say when it cannot start?"""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from millrace.settings import PROJECT_ROOT

END_SECONDS = 20.0
"""How long a server may take to end before the test says that it stays."""

RUN_A_FLOW = """
import os, sys
from flows.server import prefect_server

with prefect_server("prefect"):
    from prefect import flow
    from prefect.runtime import flow_run

    @flow(persist_result=False)
    def once():
        return flow_run.id

    once()
    print(os.environ["PREFECT_API_URL"], flush=True)
    sys.stdin.read()
"""

START_ONLY = "from flows.server import prefect_server\nwith prefect_server(): print('served')"


def environment(home: Path, **changes: str) -> dict[str, str]:
    home.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**inherited, "PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "CRITICAL", **changes}


def count_flow_runs(url: str) -> int:
    json = {"Content-Type": "application/json"}
    question = urllib.request.Request(f"{url}/flow_runs/count", b"{}", json, method="POST")  # noqa: S310
    with urllib.request.urlopen(question) as answer:  # noqa: S310
        return int(answer.read())


def ends(url: str) -> bool:
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health").close()  # noqa: S310
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_the_server_answers_a_flow_and_ends_when_its_process_is_killed(tmp_path: Path) -> None:
    env = environment(tmp_path / "prefect")
    with subprocess.Popen(
        [sys.executable, "-c", RUN_A_FLOW],
        env=env, cwd=PROJECT_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert count_flow_runs(url) == 1
        process.kill()
    assert ends(url)


def test_a_server_that_cannot_start_ends_in_one_error_with_its_log(tmp_path: Path) -> None:
    nowhere = f"sqlite+aiosqlite:///{tmp_path / 'no folder' / 'prefect.db'}"
    env = environment(tmp_path / "prefect", PREFECT_SERVER_DATABASE_CONNECTION_URL=nowhere)
    ended = subprocess.run(
        [sys.executable, "-c", START_ONLY], env=env, cwd=PROJECT_ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "ServerNotStartedError: Prefect's server did not start" in ended.stderr
    assert "served" not in ended.stdout
    assert "unable to open database file" in (tmp_path / "prefect" / "server.log").read_text()


def test_a_named_server_is_used_and_none_started(tmp_path: Path) -> None:
    env = environment(tmp_path / "prefect", PREFECT_API_URL="http://127.0.0.1:9/api")
    ended = subprocess.run(
        [sys.executable, "-c", START_ONLY], env=env, cwd=PROJECT_ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.stdout == "served\n"
    assert not (tmp_path / "prefect" / "server.log").exists()
