"""Telling Prefect of deployments, by its own public command."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from millrace.domain.deployment import Deployment
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.settings import PROJECT_ROOT, load_settings

FILE = "deploy.yaml"
LOG_FILE = "deploy.log"
_TIMEOUT_SECONDS = 120
_LAST_WORDS = 300


class NotRegisteredError(MillraceError):
    """`prefect deploy` ended with an error."""

    def __init__(self, file: Path, log: Path, last_words: str) -> None:
        self.file, self.log, self.last_words = file, log, last_words
        super().__init__(
            f"`prefect deploy` refused {file}: {last_words}. All it said is in {log}; "
            "correct prefect.yaml and run `millrace deploy` again"
        )


def register(deployments: Sequence[Deployment]) -> None:
    """Register each of them; one that is there already keeps its id, and a schedule of the same slug its own.

    Raises
    ------
    NotRegisteredError
        With what Prefect said last.
    """
    folder = load_settings().var / "prefect"
    file, log = folder / FILE, folder / LOG_FILE
    replace_file(file, msgspec.yaml.encode({"deployments": [_entry(one) for one in deployments]}))
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    try:
        ended = subprocess.run(  # noqa: S603
            command, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=_TIMEOUT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NotRegisteredError(file, log, f"it did not end within {_TIMEOUT_SECONDS} s") from error
    said = ended.stdout + ended.stderr
    log.write_text(said, "utf-8")
    if ended.returncode:
        raise NotRegisteredError(file, log, " ".join(said.split())[-_LAST_WORDS:])


def _entry(one: Deployment) -> dict[str, Any]:
    settings = dict(one.settings)
    pool, job = settings.pop("work_pool_name"), settings.pop("job_variables")
    return {
        "name": one.name.removeprefix(f"{one.flow}/"),
        **settings,
        "work_pool": {"name": pool, "job_variables": job},
        "pull": [],  # the clone is there: without this Prefect would add a step that goes to it
        "schedules": [{"slug": slug, **facts} for slug, facts in one.schedules.items()],
        "triggers": [{"name": name, **facts} for name, facts in one.triggers.items()],
    }
