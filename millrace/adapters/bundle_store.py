"""What does a prediction service keep on its own disk, to answer with everything else gone?"""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from millrace.domain.canonical import canonical_json
from millrace.durable import rename_unless_there, replace_file, sync

UNUSED_FOR = timedelta(hours=1)
"""How old a bundle is before it may go: another process of this machine may have fetched it to load it."""

_BUNDLES = "bundles"
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class Kept:
    """Which bundles of a model stay: those of the pointer, and the last champions, newest first."""

    arms: tuple[str, ...] = ()
    champions: tuple[str, ...] = ()


class BundleStore:
    """Pointers and bundles under one folder; several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundles = folder / _BUNDLES

    def list_models(self) -> list[str]:
        """Name the models that a pointer was accepted of."""
        return sorted(path.parent.name for path in self.folder.glob("*/pointer.json"))

    def read_pointer(self, model: str) -> bytes | None:
        """Return the pointer that was accepted last, as it was signed; None when there is none."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / model / "pointer.json").read_bytes()
        return None

    def read_kept(self, model: str) -> Kept | None:
        """Return which bundles of a model stay; None when that is not recorded, or not legibly."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return msgspec.json.decode(self._kept_path(model).read_bytes(), type=Kept)
        return None

    def keep_pointer(self, model: str, content: bytes, kept: Kept, replaces: Callable[[bytes], bool]) -> None:
        """Put an accepted pointer in the place of the one before, if that is one it `replaces`.

        Asked with the folder locked: of two processes the slower must not put an older pointer back.
        """
        with self._alone(model):
            before = self.read_pointer(model)
            if before is not None and not replaces(before):
                return
            # what stays is written first: a pointer whose bundles another process may remove is worth nothing
            if self.read_kept(model) != kept:
                replace_file(self._kept_path(model), canonical_json(kept).encode())
            if before != content:
                replace_file(self.folder / model / "pointer.json", content)

    def bundle(self, digest: str) -> Path:
        """Return where a bundle lies, or would."""
        return self.bundles / digest

    def receive(
        self, digest: str, fetch: Callable[[str, Path], None], verify: Callable[[Path, str], object]
    ) -> None:
        """Take in what `fetch` writes into a folder if it passes `verify`: whole, or not at all."""
        self.bundles.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.bundles))
        try:
            folder = partial / digest
            folder.mkdir()
            fetch(digest, folder)
            verify(partial, digest)
            sync(folder)
            # whoever received them first, the bytes are verified when they are loaded
            rename_unless_there(folder, self.bundle(digest))
            sync(self.bundles)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def discard(self, digest: str) -> None:
        """Remove a bundle that is not what its name says, at once for whoever looks."""
        if not self.bundle(digest).exists():
            return
        rotten = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.bundles))
        with contextlib.suppress(FileNotFoundError):
            self.bundle(digest).rename(rotten / digest)
        shutil.rmtree(rotten, ignore_errors=True)

    def prune(self, keep: Iterable[str], now: datetime) -> int:
        """Remove old bundles that no model keeps, and what downloads that died left; return how many."""
        kept = {*keep}
        for model in self.list_models():
            of_model = self.read_kept(model)
            if of_model is None:
                return 0  # nobody knows what this one needs
            kept |= {*of_model.arms, *of_model.champions}
        paths = list(self.bundles.iterdir()) if self.bundles.is_dir() else []
        unused = [path for path in paths if path.name not in kept and _is_unused(path, now)]
        for path in unused:
            shutil.rmtree(path, ignore_errors=True)
        return len(unused)

    def _kept_path(self, model: str) -> Path:
        return self.folder / model / "kept.json"

    @contextlib.contextmanager
    def _alone(self, model: str) -> Iterator[None]:
        (self.folder / model).mkdir(parents=True, exist_ok=True)
        with (self.folder / model / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_unused(path: Path, now: datetime) -> bool:
    try:
        return path.stat().st_mtime < (now - UNUSED_FOR).timestamp()
    except FileNotFoundError:
        return False  # another process has just removed it
