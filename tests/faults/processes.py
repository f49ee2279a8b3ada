"""Runs in processes of their own, which may die: forked from one that has everything imported already."""

import multiprocessing
import sys
import traceback
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.faults.points import BY_NAME
from tests.faults.tides import MODELS, move_in

PRELOADED = [
    "tests.faults.bodies",
    "millrace.adapters.catalogue",
    "millrace.adapters.pins",
    "dvc.repo",
    "filelock",
    "mlflow.pyfunc",
    "onnxruntime",
    "pandas",
    "pandera.pandas",
    "pyarrow.parquet",
    "skl2onnx",
    "sklearn.linear_model",
]

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(PRELOADED)


def start(
    home: Path, work: Callable[..., Any], *arguments: Any, dies_at: str | None = None, models: Path = MODELS
) -> ForkServerProcess:
    """Start `work` in `home`, in a process of its own."""
    process = _server.Process(target=_run, args=(home, models, work, arguments, dies_at), daemon=True)
    process.start()
    return process


def run(home: Path, work: Callable[..., Any], *arguments: Any, dies_at: str | None = None) -> int:
    """Run `work` to its end, or to its death; return the exit code, which is minus the signal's number."""
    process = start(home, work, *arguments, dies_at=dies_at)
    return exit_code(process)


def exit_code(process: ForkServerProcess) -> int:
    """Wait for the end of a process."""
    process.join(120)
    code = process.exitcode
    assert code is not None, "the process still runs"
    return code


def complaint(home: Path) -> str:
    """Return what the last run that failed in `home` said."""
    file = home / "complaint.txt"
    return file.read_text() if file.exists() else ""


def _run(
    home: Path, models: Path, work: Callable[..., Any], arguments: tuple[Any, ...], dies_at: str | None
) -> None:
    move_in(home, models)
    if dies_at is not None:
        BY_NAME[dies_at].arm()
    try:
        work(*arguments)
    except Exception:  # noqa: BLE001
        (home / "complaint.txt").write_text(traceback.format_exc())
        sys.exit(1)
