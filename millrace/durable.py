"""How is a file written so that a crash leaves the old one or the new one, and never half of it?"""

import os
import uuid
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Write `content` and wait until the disk has it."""
    with path.open("wb") as file:
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


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` at once, for readers and for crashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    complete = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        write_synced(complete, content)
        complete.replace(path)
    finally:
        complete.unlink(missing_ok=True)
    sync(path.parent)
