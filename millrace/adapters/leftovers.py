"""What did runs that died leave behind?"""

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path


def remove_leftovers(found: Iterable[Path], before: datetime) -> int:
    """Remove the files and folders among `found` that nobody has touched since `before`; return how many."""
    return sum(_remove(path) for path in found if _is_older(path, before))


def _is_older(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False  # its own run has just moved it to its place, or removed it


def _remove(path: Path) -> bool:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True
