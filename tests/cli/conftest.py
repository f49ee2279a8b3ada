"""The real command, in a process of its own, where exit codes and the two outputs matter."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Home

Command = Callable[..., CompletedProcess[str]]
COMMAND = str(Path(sys.executable).with_name("millrace"))


@pytest.fixture
def millrace(home: Home) -> Command:
    """Run `millrace ...` in the fresh installation."""

    def run(*arguments: str, **environment: str) -> CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def millrace_with_prefect(millrace: Command, prefect_server: None) -> Command:
    """Run `millrace ...` on the Prefect server of the tests: starting one takes seconds."""
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    assert url is not None
    return lambda *arguments: millrace(*arguments, PREFECT_API_URL=url)
