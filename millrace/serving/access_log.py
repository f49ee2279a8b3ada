"""What is written about each request?"""

import contextlib
import sys
import threading
import time
from collections import deque

import msgspec

GATHER_SECONDS = 0.02
MAX_WAITING_LINES = 100_000
"""Past it lines are lost: who reads standard output may have stopped, and requests must not wait for that."""


class _Line(msgspec.Struct, gc=False):
    at: float
    request_id: str
    method: str
    route: str
    model: str
    status: int
    seconds: float


class AccessLog:
    """One JSON line per request on standard output, by a thread; without what was asked or answered."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._noted, self._over = threading.Event(), threading.Event()
        self._encode = msgspec.json.Encoder().encode
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    def add(self, request_id: str, method: str, route: str, model: str, status: int, seconds: float) -> None:
        """Note a request."""
        if len(self._lines) < MAX_WAITING_LINES:
            line = _Line(time.time(), request_id, method, route, model, status, seconds)
            # written here, a line at a time: the thread would keep the interpreter from what answers
            self._lines.append(self._encode(line) + b"\n")
            if not self._noted.is_set():
                self._noted.set()

    def close(self) -> None:
        """Write what was noted, unless nobody reads it."""
        self._over.set()
        self._noted.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            self._noted.wait()
            is_over = self._over.wait(GATHER_SECONDS)
            self._noted.clear()
            lines = b"".join(self._lines.popleft() for _ in range(len(self._lines)))
            # a full disk behind standard output is no reason to end
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(lines)
                sys.stdout.buffer.flush()
