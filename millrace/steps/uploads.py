"""A batch that comes over HTTP: streamed beside the inbox, then put into it whole."""

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

from millrace.adapters import clock
from millrace.adapters.leftovers import remove_leftovers
from millrace.domain.upload import mark_of, name_upload, takes_uploads
from millrace.durable import sync
from millrace.errors import MillraceError, NoSpaceError
from millrace.settings import load_settings
from millrace.steps.stores import ensure_known, ledger, model_config

_BESIDE = ".uploads"
"""A folder within the inbox: on the same disk, and no pattern that takes uploads looks into it."""
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNTOUCHED = timedelta(days=1)


class NoUploadsError(MillraceError):
    """The model has no inbox that a file could be put into from outside."""

    def __init__(self, model: str, inbox: str | None) -> None:
        self.model, self.inbox = model, inbox
        found = f"its inbox is {inbox!r}" if inbox else "it has no inbox"
        super().__init__(
            f"{model}: {found}, one folder and one suffix are needed to upload to, such as "
            f'`inbox = "inbox/{model}/*.parquet"` in [data] of its model.toml'
        )


class UploadTooLargeError(MillraceError):
    """A file is larger than what is taken over HTTP."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        super().__init__(
            f"more than {max_bytes:,} bytes came, which is the limit (MILLRACE_UPLOAD_BYTES). "
            "Copy the file into the inbox instead, or send it in parts"
        )


class EmptyUploadError(MillraceError):
    """There is nothing in the file."""

    def __init__(self) -> None:
        super().__init__("a file of 0 bytes came. Choose the file to send")


@dataclass(frozen=True)
class Uploaded:
    """A file that came whole: `file` in the inbox, None where the same bytes had come before."""

    model: str
    digest: str
    bytes: int
    file: str | None
    before: str | None


class Upload:
    """A file that is coming in, piece by piece."""

    def __init__(self, model: str, name: str, inbox: str, path: Path, file: FileIO) -> None:
        self._model, self._name, self._inbox, self._path, self._file = model, name, inbox, path, file
        self._hashed, self._bytes, self._max = hashlib.sha256(), 0, load_settings().upload_bytes

    def write(self, piece: bytes) -> None:
        """Take the next piece.

        Raises
        ------
        UploadTooLargeError, NoSpaceError
            When it is too much, for us or for the disk.
        """
        self._bytes += len(piece)
        if self._bytes > self._max:
            raise UploadTooLargeError(self._max)
        self._hashed.update(piece)
        rest = memoryview(piece)
        with self._needing_space():
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self) -> Uploaded:
        """Put the file into the inbox, unless these very bytes were accepted or quarantined before.

        Raises
        ------
        EmptyUploadError
            When nothing came.
        NoSpaceError
            When only now the disk says that it has no room.
        """
        if not self._bytes:
            raise EmptyUploadError
        digest = self._hashed.hexdigest()
        name = name_upload(self._name, digest, self._inbox)
        before = ledger().arrival_state(self._model, digest)
        if before is None:
            with self._needing_space():
                self._put(self._path.parent.parent / name)
        return Uploaded(self._model, digest, self._bytes, name if before is None else None, before)

    def _put(self, place: Path) -> None:
        os.fsync(self._file.fileno())
        try:
            # a link fails where a rename would replace; by its name it holds the same bytes
            os.link(self._path, place)
        except FileExistsError:
            return
        sync(place.parent)

    @contextmanager
    def _needing_space(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise NoSpaceError(str(self._path.parent), self._bytes) from error
            raise


@contextmanager
def receiving(model: str, name: str) -> Iterator[Upload]:
    """Take in a file for the model; what was not finished leaves nothing behind.

    Raises
    ------
    UnknownModelError, NoUploadsError, UnfitNameError
        Before anything is written.
    """
    inbox = find_inbox(model)
    if inbox is None:
        raise NoUploadsError(model, model_config(model).data.inbox)
    name_upload(name, "0" * 64, inbox)
    beside = (load_settings().home / inbox).parent / _BESIDE
    beside.mkdir(parents=True, exist_ok=True)
    remove_leftovers(beside.iterdir(), clock.wall_now() - _UNTOUCHED)
    path = beside / uuid.uuid4().hex
    try:
        # unbuffered: closing has nothing left to write, which a full disk would refuse once more
        with path.open("xb", buffering=0) as file:
            yield Upload(model, name, inbox, path, file)
    finally:
        path.unlink(missing_ok=True)


def max_upload_bytes() -> int:
    """Return how large a file may be."""
    return load_settings().upload_bytes


def find_inbox(model: str) -> str | None:
    """Return the pattern of the inbox that files can be uploaded to, None where there is none.

    Raises
    ------
    UnknownModelError
        If there is no model of that name.
    """
    ensure_known(model)
    inbox = model_config(model).data.inbox
    return inbox if inbox is not None and takes_uploads(inbox) else None


def find_waiting_file(model: str, digest: str) -> tuple[str, datetime] | None:
    """Return under which name an upload of these bytes lies in the inbox since when, if it does."""
    inbox = find_inbox(model)
    if inbox is None:
        return None
    folder = (load_settings().home / inbox).parent
    found = next(folder.glob(f"*-{mark_of(digest)}.*"), None)
    with suppress(FileNotFoundError):  # just taken away
        return (found.name, datetime.fromtimestamp(found.stat().st_mtime, UTC)) if found else None
    return None
