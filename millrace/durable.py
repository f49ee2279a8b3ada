"""How is a file written so that a crash leaves the old one or the new one, and never half of it?"""

import os
import uuid
from functools import partial
from pathlib import Path

SECRET = 0o600
"""The mode of a file that its owner alone may read."""

_USUAL = 0o666  # what the umask leaves of it


def write_synced(path: Path, content: bytes, mode: int = _USUAL) -> None:
    """Write `content` and wait until the disk has it; a file that is new gets `mode`."""
    with open(path, "wb", opener=partial(os.open, mode=mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Wait until the disk has a file's bytes, or a folder's names, which a crash can lose before."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, mode: int = _USUAL) -> None:
    """Put `content` in the place of `path` at once, for readers and for crashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    complete = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        write_synced(complete, content, mode)
        complete.replace(path)
    finally:
        complete.unlink(missing_ok=True)
    sync(path.parent)


def create_secret(path: Path, content: bytes) -> None:
    """Write `path` if it is not there; of several processes at once, one content survives."""
    complete = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    write_synced(complete, content, SECRET)
    try:
        # a link fails where a rename would replace: the first one wins, and is never half written
        os.link(complete, path)
    except FileExistsError:
        pass
    finally:
        complete.unlink()


def rename_unless_there(complete: Path, folder: Path) -> None:
    """Give a complete folder its name, unless another process gave that to the same bytes first."""
    try:
        complete.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
