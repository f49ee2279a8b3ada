"""Holding a run at a function until the test lets it go on."""

import time
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any


def wait_for(file: Path) -> None:
    """Wait until somebody has made `file`."""
    deadline = time.monotonic() + 60
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody made {file}")
        time.sleep(0.005)


def paused_at(function: str, folder: Path, work: Callable[..., Any], *arguments: Any) -> None:
    """Do `work`, but wait where `function` is entered for the first time: for the file `go` in `folder`."""
    path, _, attribute = function.replace(":", ".").rpartition(".")
    owner = resolve_name(path)
    real = getattr(owner, attribute)

    def pausing(*args: Any, **kwargs: Any) -> Any:
        setattr(owner, attribute, real)
        (folder / "paused").touch()
        wait_for(folder / "go")
        return real(*args, **kwargs)

    setattr(owner, attribute, pausing)
    work(*arguments)
