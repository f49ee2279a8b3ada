"""Do the commands of the tutorial do what it says, in its order?"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from millrace.settings import PROJECT_ROOT
from tests.conftest import Home

TUTORIAL = PROJECT_ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```sh( title="another shell")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
SET_UP = "make setup && . .venv/bin/activate\n"
"""What has made this very environment."""


def script(port: int) -> str:
    """Return all commands as one script; those of the other shell run until it ends."""
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p)' EXIT"]
    for beside, commands in BLOCK.findall(TUTORIAL.read_text("utf-8")):
        lines.append(f"{commands.strip()} >serve.log 2>&1 &" if beside else commands.replace(SET_UP, ""))
    return "\n".join(lines).replace(":8300", f":{port}")


@pytest.fixture
def workplace(home: Home) -> Path:
    """Return a folder as a clone is one: models/, inbox/ and var/ beside each other."""
    shutil.move(home.models, home.path / "models")
    return home.path


def test_the_tutorial_runs_from_its_first_command_to_its_last(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = {
        "MILLRACE_HOME": str(workplace),
        "MILLRACE_MODELS": str(workplace / "models"),
        "MILLRACE_SERVE_PORT": str(port),
        "PATH": f"{PROJECT_ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    started = time.monotonic()
    run = subprocess.run(
        ["bash", "-c", script(port)],
        cwd=workplace, env=os.environ | where, capture_output=True, text=True, check=False,
    )  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(f"[the tutorial took {time.monotonic() - started:.0f} s]")
    assert run.returncode == 0, run.stdout + run.stderr
    told = " ".join(run.stdout.split())
    for promise in PROMISES:
        assert promise in told, run.stdout
    assert not (workplace / "models" / "late").exists()


PROMISES = (
    "next: millrace retrain late",
    "champion none -> ",
    '"model":"late"',
    "SKIP: last trained",
    "judged",
    "every hash follows from the one before it",
)
