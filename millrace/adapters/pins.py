"""Where do the bytes of `data/` lie, so that `data.dvc` alone brings them back?"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.errors import MillraceError

if TYPE_CHECKING:
    from dvc.repo import Repo

PIN_FILE = "data.dvc"
DATA_FOLDER = "data"

_REMOTE_FOLDER = "var/dvc-remote"
_CACHE_FOLDER = ".dvc/cache/files/md5"
_PUSHED_FILE = ".dvc/tmp/millrace.pushed"
"""The pin whose bytes were last brought to the remote: a run can die between the pin and the push."""
_CONFIG = f"""\
[core]
    analytics = false
    autostage = false
    check_update = false
    remote = local
[cache]
    type = hardlink,copy
['remote "local"']
    url = ../{_REMOTE_FOLDER}
"""
_WITHOUT_GIT = _CONFIG.replace("[core]\n", "[core]\n    no_scm = true\n")


@dataclass(frozen=True)
class _PinnedFile:
    """One file of the pin; `md5` names its bytes in DVC's cache and remote."""

    path: Path
    md5: str


class NoPinError(MillraceError):
    """There is no `data.dvc`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(
            f"{home / PIN_FILE}: no such file, nothing is pinned yet. Run `millrace ingest` first"
        )


class PinUnavailableError(MillraceError):
    """Neither the cache nor the remote has all bytes that `data.dvc` names."""

    def __init__(self, home: Path, missing: tuple[str, ...], reason: str) -> None:
        self.home, self.missing, self.reason = home, missing, reason
        super().__init__(
            f"{home / PIN_FILE}: neither the DVC cache nor the remote has {', '.join(missing)} ({reason}). "
            "Run `millrace data restore MODEL` for a model with a source.py, or bring the remote back"
        )


def init_home(home: Path) -> None:
    """Make `home` a DVC repository with a remote of its own; one that is there already is left as it is."""
    dvc = home / ".dvc"
    if (dvc / "config").exists():
        return
    dvc.mkdir(parents=True, exist_ok=True)
    (dvc / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    # Inside the clone DVC must know git, for `dvc metrics diff`; any other home is none of git's business.
    temporary = dvc / "config.new"
    temporary.write_text(_CONFIG if (home / ".git").exists() else _WITHOUT_GIT)
    temporary.replace(dvc / "config")


def pin_data(home: Path) -> None:
    """Write `data.dvc` for what is in `data/` and bring every byte of it to the default remote.

    Done again it is cheap: what did not change is neither hashed nor sent.
    """
    with _repository(home) as repo:
        if not is_pin_current(home):
            repo.add(str(home / DATA_FOLDER))
        repo.push(targets=[str(home / PIN_FILE)])
        (home / _PUSHED_FILE).write_bytes((home / PIN_FILE).read_bytes())


def is_pushed(home: Path) -> bool:
    """Say whether `pin_data` came to its end for this very `data.dvc`; the remote is not asked."""
    pin, pushed = home / PIN_FILE, home / _PUSHED_FILE
    return pin.exists() and pushed.exists() and pushed.read_bytes() == pin.read_bytes()


def is_pin_current(home: Path) -> bool:
    """Say whether `data.dvc` names exactly the files of `data/`; no file is read for it."""
    if not (home / PIN_FILE).exists():
        return False
    listing = _cached_listing(home)
    present = [path for path in (home / DATA_FOLDER).rglob("*") if path.is_file()]
    # Names are enough: a part is named by its content. The size sees one that was cut short.
    return (
        listing is not None
        and {file.path for file in listing} == set(present)
        and _pin_field(home, "size") == str(sum(path.stat().st_size for path in present))
    )


def restore_data(home: Path) -> None:
    """Bring back each file `data.dvc` names that is missing or rotten; files it does not name stay."""
    if not (home / PIN_FILE).exists():
        raise NoPinError(home)
    with _repository(home) as repo:
        reason = "" if _cached_listing(home) else _fetch(repo, home)
        for file in _cached_listing(home) or ():
            _drop_rotten(home, file)
        reason = _fetch(repo, home) or reason or "they were lost or have rotted"
        listing = _cached_listing(home)
        if listing is None:
            raise PinUnavailableError(home, (f"the list of its {_pin_field(home, 'nfiles')} files",), reason)
        missing = tuple(str(file.path.relative_to(home)) for file in listing if not _bring_back(home, file))
    if missing:
        raise PinUnavailableError(home, missing, reason)


@contextmanager
def _repository(home: Path) -> Iterator["Repo"]:
    from dvc.repo import Repo
    from filelock import FileLock

    for name in ("dvc", "dvc_data"):  # what goes wrong is raised as well, or looked at afterwards
        logging.getLogger(name).setLevel(logging.ERROR)
    lock = home / ".dvc" / "tmp" / "millrace.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    # DVC's own lock gives up after 3 seconds; ours waits, and DVC waits for a `dvc` in another shell.
    # an unpacked archive of the clone has the clone's configuration, which asks for git, and no git
    config = None if (home / ".git").exists() else {"core": {"no_scm": True}}
    with FileLock(lock), Repo(str(home), config=config, _wait_for_lock=True) as repo:
        yield repo


def _fetch(repo: "Repo", home: Path) -> str:
    """Fetch what the cache lacks; return why that failed, or nothing."""
    from dvc.exceptions import DvcException

    try:
        repo.fetch(targets=[str(home / PIN_FILE)])
    except (DvcException, OSError) as error:
        return str(error).replace("\n", " ").strip() or type(error).__name__
    return ""


def _bring_back(home: Path, file: _PinnedFile) -> bool:
    if file.path.exists():
        return True
    cached = _cached(home, file.md5)
    if not cached.exists() or _md5(cached) != file.md5:
        return False
    file.path.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.path.with_suffix(".restoring")
    temporary.unlink(missing_ok=True)
    try:
        os.link(cached, temporary)
    except OSError:  # the cache lies on another disk
        shutil.copyfile(cached, temporary)
    temporary.replace(file.path)
    return True


def _drop_rotten(home: Path, file: _PinnedFile) -> None:
    """Remove copies that are not the pinned bytes any more: DVC never hashes them again (#5978)."""
    for copy in (file.path, _cached(home, file.md5)):
        if copy.exists() and _md5(copy) != file.md5:
            copy.unlink()


def _cached_listing(home: Path) -> tuple[_PinnedFile, ...] | None:
    path = _cached(home, _pin_field(home, "md5"))
    if not path.is_file():
        return None
    entries: list[dict[str, str]] = json.loads(path.read_bytes())
    return tuple(_PinnedFile(home / DATA_FOLDER / entry["relpath"], entry["md5"]) for entry in entries)


def _cached(home: Path, md5: str) -> Path:
    return home / _CACHE_FOLDER / md5[:2] / md5[2:]


def _pin_field(home: Path, name: str) -> str:
    for line in (home / PIN_FILE).read_text().splitlines():
        key, _, value = line.lstrip(" -").partition(": ")
        if key == name:
            return value
    return ""


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
