"""How long does a whole process take, from its start to its end?"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from millrace.settings import PROJECT_ROOT

MILLRACE = str(Path(sys.executable).with_name("millrace"))

_UNSET = (
    "PYTHONDONTWRITEBYTECODE",
    "PREFECT_API_URL",
    "PREFECT_HOME",
    "MILLRACE_HOME",
    "MILLRACE_MODELS",
    "MILLRACE_LEDGER_URL",
    "MILLRACE_ALERT_URLS",
    "MILLRACE_CHANNEL",
    "MLFLOW_TRACKING_URI",
)
"""What would measure something else: imports without compiled bytecode, other stores than the home's own."""


class FailedProcessError(Exception):
    """A process that was to be measured did not do its work."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}:\n{output}")


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would distort a figure."""
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**inherited, **changes}


def output_of(command: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed.

    Raises
    ------
    FailedProcessError
        If it did not end with 0: the time of a failure is no figure.
    """
    done = subprocess.run(
        command, env=dict(env), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FailedProcessError(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def seconds_of(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return the wall time of a command that ended well."""
    start = time.perf_counter()
    output_of(command, env)
    return time.perf_counter() - start
