"""How is a training run in a process of its own, by the code of a folder instead of ours?"""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Event, Timer

from millrace.errors import MillraceError
from millrace.settings import OMP_WAIT_POLICY, TELEMETRY_OFF

OURS = ("MILLRACE_", "MLFLOW_", "PREFECT_", "PYTHON")
"""What the environment says of this installation, and of the code beside it, is not about another's."""


KEEP = "the same command with --keep leaves its folder, with log and code"


class TrainingProcessError(MillraceError):
    """The process ended without a bundle."""

    def __init__(self, code: int, log: str, advice: str = KEEP) -> None:
        self.code, self.log = code, log
        words = log.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(
            f"the training ended with exit code {code}: {words[0].removeprefix('error: ')}. Nothing was "
            f"compared; {advice}"
        )


def run_script(  # noqa: PLR0913 - what runs, where, for how long, and who hears of it
    script: Path,
    folder: Path,
    code: Path,
    home: Path,
    heard: Callable[[str], None],
    *,
    timeout: float | None = None,
    advice: str = KEEP,
) -> None:
    """Run `script` with the packages of `code` and the installation `home`; hear each line it writes.

    Nothing lives on when this is interrupted, or after `timeout` seconds. What the script complains of is in
    `folder/log.txt`; `advice` says where else to look.

    Raises
    ------
    TrainingProcessError
        If it ends with an error.
    subprocess.TimeoutExpired
        If it takes longer.
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
            start_new_session=True,
        )
        is_late = Event()
        try:
            with _ended_after(timeout, process, is_late):
                for line in process.stdout or ():
                    heard(line.strip())
                ended = process.wait()
        finally:
            _end(process)
            process.wait()
    if timeout is not None and is_late.is_set():
        raise subprocess.TimeoutExpired(command, timeout)
    if ended != 0:
        told = (folder / "log.txt").read_text("utf-8", errors="replace")
        raise TrainingProcessError(ended, told, advice)


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill it and all it has started: what lives on would hold its output open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _ended_after(timeout: float | None, process: "subprocess.Popen[str]", is_late: Event) -> Iterator[None]:
    """Kill the process once it has taken too long, so that its lines end."""
    if timeout is None:
        yield
        return

    def end() -> None:
        is_late.set()
        _end(process)

    timer = Timer(timeout, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
