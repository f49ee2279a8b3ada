"""Which commit is the code of, and was it changed since?"""

import os
import subprocess
from pathlib import Path

_TIMEOUT_SECONDS = 10.0
_NO_COMMIT = "(initial)"


def head_commit(folder: Path) -> str | None:
    """Return the commit checked out in `folder`, with `-dirty` when anything differs from it.

    None where there is no git, no repository or no commit yet, and when git takes longer than
    ten seconds: a lineage without a commit is better than a training that waits for one.
    """
    try:
        status = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch"],  # noqa: S607
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _commit_of(status.stdout.splitlines()) if status.returncode == 0 else None


def _environment() -> dict[str, str]:
    # inside a git hook GIT_DIR and its like point at another repository
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**inherited, "GIT_OPTIONAL_LOCKS": "0"}


def _commit_of(status_lines: list[str]) -> str | None:
    prefix = "# branch.oid "
    commit = next(line.removeprefix(prefix) for line in status_lines if line.startswith(prefix))
    if commit == _NO_COMMIT:
        return None
    is_changed = any(not line.startswith("#") for line in status_lines)
    return f"{commit}-dirty" if is_changed else commit
