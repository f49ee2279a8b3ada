"""Which commit is the code of, was it changed since, and what did an earlier one hold?"""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

_TIMEOUT_SECONDS = 10.0
_ARCHIVE_SECONDS = 120.0
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


def find_lack(folder: Path) -> str | None:
    """Say what is missing for a commit to be looked up from `folder`; None where nothing is."""
    if shutil.which("git") is None:
        return "git is not installed"
    inside = _ask(folder, "rev-parse", "--git-dir") is not None
    return None if inside else f"{folder} is in no git repository"


def extract_path(folder: Path, commit: str, path: str, to: Path) -> bool:
    """Write what `commit` has at `path`, relative to `folder`, below `to`; say whether it has anything."""
    content = _ask(folder, "archive", "--format=tar", commit, "--", path)
    if not content:
        return False
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(to, filter="data")
    except tarfile.TarError:  # a link that leads out of the folder is no code to run
        return False
    return (to / path).exists()


def is_commit(folder: Path, commit: str) -> bool:
    """Say whether the repository around `folder` has that commit."""
    return _ask(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def list_commits(folder: Path, path: str, limit: int) -> list[str]:
    """Return the newest commits that changed `path`, newest first; none where there is no git."""
    return (_ask(folder, "log", f"--max-count={limit}", "--format=%H", "--", path) or b"").decode().split()


def list_subjects(folder: Path, old: str, new: str) -> list[str]:
    """Return what is in `new` and not in `old`, one line a commit, newest first."""
    found = _ask(folder, "log", "--oneline", "--no-decorate", "--no-color", f"{old}..{new}") or b""
    return found.decode("utf-8", errors="replace").splitlines()


def _ask(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            timeout=_ARCHIVE_SECONDS,
            check=False,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
