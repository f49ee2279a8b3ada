"""Compactions that die at every point at which they change a folder, each on a copy of the same log."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from millrace.adapters.prediction_log.compaction import compact

CHANGES = {"open", "os.mkdir", "os.remove", "os.rename"}
MOST_POINTS = 500


def die_at(change: int, folder: Path) -> None:
    """End this process right before it changes the folder for that time."""
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in CHANGES and str(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == change:
                os._exit(9)

    sys.addaudithook(count)


def main(log: Path, copies: Path) -> None:
    for change in range(1, MOST_POINTS):
        copy = copies / f"{change:03d}"
        shutil.copytree(log, copy)
        process = os.fork()
        if process == 0:
            die_at(change, copy)
            compact(copy)
            os._exit(0)
        if os.waitpid(process, 0)[1] == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
