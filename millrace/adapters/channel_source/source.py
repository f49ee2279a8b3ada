"""What does a channel say of its models, and which bytes does it hold?"""

import contextlib
import errno
import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from millrace.adapters.channel_source.failures import (
    UnreachableChannelError,
    UnusableAddressError,
    cause_of,
    is_absence,
    status_of,
)
from millrace.adapters.channel_source.place import POINTER_SECONDS, Folder, Place, Remote
from millrace.domain.address import mask_address, mask_text
from millrace.domain.bundle import MANIFEST_FILE, CorruptBundleError, Manifest, parse_file
from millrace.domain.pointer import DIGEST
from millrace.durable import sync
from millrace.errors import MillraceError

FILE_SECONDS = 3600.0

POINTER_BYTES = 256 << 10
MANIFEST_BYTES = 64 << 20
FILE_BYTES = 2 << 30
BUNDLE_FILES = 64

SETTLE_SECONDS = 2.0
"""Until then a pointer is read in full although its validator stayed the same.

Last-Modified, and the ETag of servers that make it from time and size, know whole seconds: two pointers of
one second and one size share it.
"""

_OWN_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_BUNDLES = "bundles"
_MODEL = re.compile(r"[a-z][a-z0-9_-]*")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class Unread(Enum):
    """Why there are no bytes of a pointer."""

    UNCHANGED = "unchanged"
    ABSENT = "absent"


@dataclass(frozen=True)
class _Seen:
    validator: object | None
    since: float
    content: bytes
    is_settled: bool


class ChannelSource:
    """A channel as a service reads it. `models` names them where the channel has no listing."""

    def __init__(self, url: str, models: tuple[str, ...] = ()) -> None:
        self.models = models
        path = url.removeprefix("file://")
        self.is_local = "://" not in path
        self.url, self._secret_url = mask_address(path), path
        self._place: Place = Folder(Path(path)) if self.is_local else self._open()
        self._seen: dict[str, _Seen] = {}

    def list_models(self) -> list[str]:
        """Name the models that may have a pointer: those this source was made for, or all that are listed."""
        if self.models:
            return list(self.models)
        with self._asked("its list of models"):
            try:
                names = self._place.names()
            except FileNotFoundError as error:
                if not is_absence(error):
                    raise
                found = "no such folder" if self.is_local else "no list of models; name them with --model"
                raise UnreachableChannelError(self.url, found, answered=True) from error
        return sorted({name for name in names if _MODEL.fullmatch(name) and name != _BUNDLES})

    def forget(self, model: str) -> None:
        """Take the pointer that is read next for one never seen."""
        self._seen.pop(model, None)

    def read_pointer(self, model: str) -> bytes | Unread:
        """Return the bytes of a model's pointer when they are others than at the last call.

        Raises
        ------
        UnreachableChannelError
            If the channel does not say.
        OversizedFileError
            If what it says is far too long for a pointer.
        """
        if not _MODEL.fullmatch(model):
            return Unread.ABSENT
        before, asked_at = self._seen.get(model), time.monotonic()
        name = f"{model}/pointer.json"
        try:
            with self._asked(name):
                validator = self._place.validator(name)
                is_same = before is not None and validator is not None and before.validator == validator
                if is_same and before is not None and before.is_settled:
                    return Unread.UNCHANGED
                content = self._place.read(name, POINTER_BYTES, POINTER_SECONDS)
        except FileNotFoundError:
            self._seen.pop(model, None)
            return Unread.ABSENT
        since = before.since if is_same and before is not None else time.monotonic()
        self._seen[model] = _Seen(validator, since, content, is_same and asked_at - since >= SETTLE_SECONDS)
        return Unread.UNCHANGED if before is not None and before.content == content else content

    def fetch_bundle(self, digest: str, into: Path) -> None:
        """Download the files of a bundle; its manifest, which names the others, is known by `digest`.

        Raises
        ------
        CorruptBundleError
            If the manifest is not that of `digest`, or a file is missing, is not the one that the manifest
            names, or has a path for a name. No file after that one is asked for.
        """
        if not DIGEST.fullmatch(digest):
            raise CorruptBundleError(digest, "such a name", "a SHA-256 in hexadecimal")
        self._fetch(digest, MANIFEST_FILE, into, MANIFEST_BYTES, digest)
        manifest = parse_file((into / MANIFEST_FILE).read_bytes(), Manifest, MANIFEST_FILE)
        for name in _plain_names(manifest):
            # each as it arrives: 64 wrong files of the largest size would fill the disk
            self._fetch(digest, name, into, FILE_BYTES, manifest.files[name])

    def _open(self) -> Remote:
        try:
            return Remote(urlsplit(self._secret_url))
        except (ImportError, ValueError) as error:
            raise UnusableAddressError(self.url, self._told(str(error))) from error

    def _fetch(self, digest: str, name: str, into: Path, limit_bytes: int, needed: str) -> None:
        try:
            with self._asked(f"{name} of bundle {digest[:12]}"):
                self._place.copy(f"{_BUNDLES}/{digest}/{name}", into / name, limit_bytes, FILE_SECONDS)
        except FileNotFoundError as error:
            raise CorruptBundleError(name, f"nothing in {self.url}", "its bytes") from error
        with (into / name).open("rb") as arrived:
            found = hashlib.file_digest(arrived, "sha256").hexdigest()
        if found != needed:
            raise CorruptBundleError(name, found, needed)
        sync(into / name)

    @contextlib.contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Turn the errors of any system into ours, but for the one that says that nothing is there."""
        try:
            yield
        except MillraceError:
            raise
        except Exception as error:  # each backend of fsspec has errors of its own
            if getattr(error, "errno", None) in _OWN_DISK:
                raise
            if is_absence(error):
                raise FileNotFoundError(what) from error
            cause = cause_of(error)
            found = self._told(f"{what}: {str(cause) or _nameless(cause)}")
            answered = status_of(cause) is not None or isinstance(cause, PermissionError)
            raise UnreachableChannelError(self.url, found, answered=answered or self.is_local) from error

    def _told(self, text: str) -> str:
        return " ".join(mask_text(text, self._secret_url).split())[:300]


def _nameless(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__


def _plain_names(manifest: Manifest) -> list[str]:
    """Return the names of a bundle's files; one with a path in it would be written somewhere else."""
    names = sorted(manifest.files)
    for name in names:
        if not _FILE.fullmatch(name) or name == MANIFEST_FILE:
            raise CorruptBundleError(name, "such a name", "the plain name of a file")
    if len(names) > BUNDLE_FILES:
        raise CorruptBundleError(MANIFEST_FILE, f"{len(names)} files", f"{BUNDLE_FILES} at most")
    return names
