"""Which bytes of the segment that is being written are surely whole?"""

import os
from contextlib import suppress
from pathlib import Path

from millrace.adapters.prediction_log.segment import CLOSED, MAGIC, NEW, OPEN, lock
from millrace.durable import sync

_MODE = 0o640  # inputs of predictions are often about people

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND


class OpenSegment:
    """A segment of this process, locked as long as it is open. `size` counts the bytes that are whole."""

    def __init__(self, folder: Path, stem: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{stem}{OPEN}"
        # locked before it has its name: nobody can find it ownerless
        hidden = folder / f".{stem}{NEW}"
        self._descriptor = os.open(hidden, _FLAGS, _MODE)
        self.size = 0
        try:
            lock(self._descriptor)
            self.write(MAGIC)
            hidden.rename(self._path)
            sync(folder)
        except OSError:
            self.abandon()
            with suppress(OSError):
                hidden.unlink(missing_ok=True)
            raise

    def write(self, content: bytes) -> None:
        """Append `content`; after an OSError any part of it may stand behind `size`."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(content)

    def cut(self, size: int) -> None:
        """Remove what stands behind `size`."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    def sync(self) -> None:
        """Wait until the disk has every byte."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give a segment with everything in it the name of a closed one; one with nothing in it goes."""
        if self.size > len(MAGIC):
            self.sync()
            self._path.rename(self._path.with_suffix(CLOSED))
        else:
            self._path.unlink()
        sync(self._path.parent)
        self.abandon()

    def abandon(self) -> None:
        """Leave it as one whose owner died: its readers know what to do with its end."""
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):
            os.close(descriptor)
