"""How does a service log thousands of answers a second, and lose none that it acknowledged?

The windows of loss, for frames of `fast`: a process that is killed loses what came within
`LOSS_WINDOW_SECONDS`, a machine that loses its power what came within `SYNC_SECONDS` more. Durable frames
are told of after the disk has them, and are never lost.
"""

import errno
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from millrace.adapters.prediction_log.open_segment import OpenSegment

LOSS_WINDOW_SECONDS = 0.01
"""How long a fast frame waits in memory. Longer, and its write would hold up what answers on that core."""
SYNC_SECONDS = 1.0
"""How long a fast frame waits in the page cache, which outlives the process but not the machine."""

Done = Callable[[OSError | None], None]

log = logging.getLogger("millrace.prediction_log")


@dataclass(frozen=True)
class Limits:
    """When a segment is closed, and how many bytes may wait; while they are written, as many again."""

    segment_bytes: int = 64 << 20
    segment_seconds: float = 300.0
    waiting_bytes: int = 32 << 20


@dataclass
class _Batch:
    """What waits: frames in the order they came, and whom to tell when the disk has them."""

    frames: list[bytes] = field(default_factory=list)
    dones: list[Done] = field(default_factory=list)
    size: int = 0


class SegmentWriter:
    """Appends frames to segments in a thread of its own; the disk may be full or slow, callers never wait.

    What cannot be written is cut off again, told to durable callers and counted for fast ones; the next
    frames are tried again, so it goes on by itself when there is room.
    """

    def __init__(
        self,
        folder: Path,
        instance: str,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._limits, self._clock = folder, limits or Limits(), clock
        self._instance = re.sub(r"[^A-Za-z0-9_-]", "_", instance)
        self._lock, self._wake, self._hurry = threading.Lock(), threading.Event(), threading.Event()
        self._batch, self._in_flight = _Batch(), 0
        self._segment: OpenSegment | None = None
        self._begun_at = self._synced_at = 0.0
        self._number = 0
        self._is_dirty = self._is_closing = False
        self.lost_frames = self.bytes_written = 0
        self.last_error: OSError | None = None
        """What was wrong with the newest write, None when it was well."""
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    @property
    def lag(self) -> int:
        """How many frames are not written yet."""
        return len(self._batch.frames) + self._in_flight

    def append(self, frame: bytes) -> None:
        """Log a frame soon; it is counted as lost when too much waits already."""
        with self._lock:
            batch = self._batch
            size = batch.size + len(frame)
            if self._takes(size):
                batch.frames.append(frame)
                batch.size = size
            else:
                self.lost_frames += 1
        if not self._wake.is_set():
            self._wake.set()

    def append_durable(self, frame: bytes, done: Done) -> None:
        """Log a frame at once, and call `done` from the writer's thread when the disk has it, or cannot.

        When too much waits already, or the writer is closed, `done` is called here and now.
        """
        with self._lock:
            batch = self._batch
            size = batch.size + len(frame)
            is_taken = self._takes(size)
            if is_taken:
                batch.frames.append(frame)
                batch.dones.append(done)
                batch.size = size
        if not is_taken:
            done(OSError(errno.ENOBUFS, f"the prediction log takes no more: {self.lag} frames wait"))
        elif not self._hurry.is_set():  # all that come before the thread looks are one group
            self._hurry.set()
            self._wake.set()

    def count_lost(self) -> None:
        """Count a frame that could not even be made."""
        with self._lock:
            self.lost_frames += 1

    def close(self) -> None:
        """Write what waits, and close the segment; what is appended from now on is refused."""
        with self._lock:
            self._is_closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join()

    def _takes(self, size: int) -> bool:
        # a frame larger than all that may wait is still taken while none does: it could come never else
        has_room = size <= self._limits.waiting_bytes or not self._batch.frames
        return has_room and not self._is_closing

    def _run(self) -> None:
        is_last = False
        while not is_last:
            if self._wake.wait(SYNC_SECONDS):
                self._hurry.wait(LOSS_WINDOW_SECONDS)
            self._hurry.clear()
            self._wake.clear()
            batch, is_last = self._take()
            if batch.frames:
                self._log(batch)
            self._keep_segment(is_last)

    def _take(self) -> tuple[_Batch, bool]:
        with self._lock:
            batch, self._batch = self._batch, _Batch()
            self._in_flight = len(batch.frames)
            return batch, self._is_closing

    def _log(self, batch: _Batch) -> None:
        try:
            self._store(batch)
        except Exception as error:  # noqa: BLE001 - the thread that ended would leave all who wait for ever
            lost = len(batch.frames) - len(batch.dones)
            with self._lock:
                self.lost_frames += lost
            self._note(error, f"{lost} frames are lost, {len(batch.dones)} refused")
        else:
            self.last_error = None
            self.bytes_written += batch.size
        self._in_flight = 0
        for done in batch.dones:
            self._tell(done)

    def _note(self, error: Exception, what: str) -> None:
        """Keep what is wrong; say it once for as long as it is."""
        said, self.last_error = str(self.last_error), _as_os_error(error)
        if said != str(self.last_error):
            log.warning("%s: %s: %s", self._folder, what, self.last_error)

    def _tell(self, done: Done) -> None:
        try:
            done(self.last_error)
        except Exception:  # who asked may be gone; the others still wait
            log.exception("a caller of the prediction log cannot be told")

    def _store(self, batch: _Batch) -> None:
        segment = self._segment = self._segment or self._begin()
        before = segment.size
        try:
            segment.write(b"".join(batch.frames))
        except Exception:
            self._cut(segment, before)
            raise
        self._is_dirty = True
        if batch.dones:
            self._sync(segment, before)

    def _begin(self) -> OpenSegment:
        self._number += 1
        started = datetime.fromtimestamp(self._clock(), UTC)
        stem = f"{started:%Y%m%dT%H%M%S%fZ}-{self._instance}-{self._number:06d}"
        self._begun_at = self._synced_at = time.monotonic()
        return OpenSegment(self._folder, stem)

    def _sync(self, segment: OpenSegment, before: int) -> None:
        try:
            segment.sync()
        except OSError:
            # the kernel reports a page it could not write once, and calls it clean from then on
            self._cut(segment, before)
            self._abandon(segment)
            raise
        self._is_dirty, self._synced_at = False, time.monotonic()

    def _cut(self, segment: OpenSegment, size: int) -> None:
        try:
            segment.cut(size)
        except OSError:
            self._abandon(segment)

    def _abandon(self, segment: OpenSegment) -> None:
        segment.abandon()
        self._segment, self._is_dirty = None, False

    def _keep_segment(self, is_last: bool) -> None:
        segment, now = self._segment, time.monotonic()
        if segment is None:
            return
        is_due = now - self._begun_at >= self._limits.segment_seconds
        try:
            if is_last or is_due or segment.size >= self._limits.segment_bytes:
                self._segment, self._is_dirty = None, False
                segment.close()
            elif self._is_dirty and now - self._synced_at >= SYNC_SECONDS:
                self._sync(segment, segment.size)
        except Exception as error:  # noqa: BLE001 - as in `_log`
            segment.abandon()
            self._note(error, "a segment was left open")


def _as_os_error(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(errno.EIO, f"{type(error).__name__}: {error}")
