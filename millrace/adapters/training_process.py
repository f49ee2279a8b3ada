"""How is a training run in a process of its own, by the code of a folder instead of ours?"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from millrace.errors import MillraceError
from millrace.settings import OMP_WAIT_POLICY, TELEMETRY_OFF

OURS = ("MILLRACE_", "MLFLOW_", "PREFECT_", "PYTHON")
"""What the environment says of this installation, and of the code beside it, is not about another's."""


class TrainingProcessError(MillraceError):
    """The process ended without a bundle."""

    def __init__(self, code: int, log: str) -> None:
        self.code, self.log = code, log
        words = log.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(
            f"the training ended with exit code {code}: {words[0].removeprefix('error: ')}. Nothing was "
            "compared; the same command with --keep leaves its folder, with log and code"
        )


def run_script(script: Path, folder: Path, code: Path, home: Path, heard: Callable[[str], None]) -> None:
    """Run `script` with the packages of `code` and the installation `home`; hear each line it writes.

    Nothing lives on when this is interrupted. What the script complains of is in `folder/log.txt`.

    Raises
    ------
    TrainingProcessError
        If it ends with an error.
    """
    command = [sys.executable, "-P", str(script), str(folder)]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=code,
            env=_environment(code, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            for line in process.stdout or ():
                heard(line.strip())
            ended = process.wait()
        finally:
            process.kill()
            process.wait()
    if ended != 0:
        raise TrainingProcessError(ended, (folder / "log.txt").read_text("utf-8", errors="replace"))


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the version of each package as a manifest has it; one that is not installed is left out."""
    platforms = {"python": platform.python_version(), "machine": platform.machine()}
    found: dict[str, str] = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = platforms.get(name) or version(name)
    return found


def _environment(code: Path, home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **inherited,
        **TELEMETRY_OFF,
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", OMP_WAIT_POLICY),
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MILLRACE_HOME": str(home),
        "MILLRACE_MODELS": str(code / "models"),
    }
