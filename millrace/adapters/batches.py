"""Which bytes arrived, as a private copy that nobody else can change?"""

import errno
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from millrace.domain.table_file import table_suffix
from millrace.errors import MillraceError, NoSpaceError

_COPY_BYTES = 1 << 20
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class StagedBatch:
    """A private copy of an arrived file, whose bytes nobody else can change any more."""

    path: Path
    digest: str
    name: str
    bytes: int


class BatchNotFoundError(MillraceError):
    """There is no file to ingest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: no such file; name a file with a table")


class BatchStillGrowingError(MillraceError):
    """The file changed while it was read: its writer has not finished."""

    def __init__(self, path: Path, before: int, after: int) -> None:
        self.path, self.before, self.after = path, before, after
        super().__init__(
            f"{path}: changed while it was read, from {before:,} to {after:,} bytes. "
            "Ingest it again when its writer has finished; a file renamed into place is always whole"
        )


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes: the name of the batch it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage_batch(path: Path, staging: Path) -> StagedBatch:
    """Copy `path` under a private name and hash it in the same pass."""
    if not path.is_file():
        raise BatchNotFoundError(path)
    staging.mkdir(parents=True, exist_ok=True)
    descriptor, copy_name = tempfile.mkstemp(prefix="batch-", suffix=table_suffix(path.name), dir=staging)
    copy = Path(copy_name)
    try:
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
            digest, size = _copy_and_hash(path, source, target)
    except BaseException as error:
        copy.unlink()
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            raise NoSpaceError(str(staging), path.stat().st_size) from error
        raise
    return StagedBatch(copy, digest, path.name, size)


def _copy_and_hash(path: Path, source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    before = os.fstat(source.fileno())
    hashed, copied = hashlib.sha256(), 0
    # Never past the size seen first: a file that grows for ever must not be followed for ever.
    while piece := source.read(min(_COPY_BYTES, before.st_size - copied)):
        hashed.update(piece)
        target.write(piece)
        copied += len(piece)
    after = os.fstat(source.fileno())
    if (after.st_size, after.st_mtime_ns, copied) != (before.st_size, before.st_mtime_ns, before.st_size):
        raise BatchStillGrowingError(path, before.st_size, after.st_size)
    return hashed.hexdigest(), copied
