"""What is written about each request?"""

import contextlib
import sys
import threading
import time
from collections import deque

import msgspec

GATHER_SECONDS = 0.02
LINES_AT_ONCE = 256
"""A longer piece would keep the interpreter from what answers."""
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
        self._lines: deque[_Line] = deque()
        self._noted, self._over = threading.Event(), threading.Event()
        self._encode_lines = msgspec.json.Encoder().encode_lines
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    def add(self, request_id: str, method: str, route: str, model: str, status: int, seconds: float) -> None:
        """Note a request."""
        if len(self._lines) < MAX_WAITING_LINES:
            self._lines.append(_Line(time.time(), request_id, method, route, model, status, seconds))
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
            while self._lines:
                piece = [self._lines.popleft() for _ in range(min(len(self._lines), LINES_AT_ONCE))]
                # a full disk behind standard output is no reason to end
                with contextlib.suppress(OSError):
                    sys.stdout.buffer.write(self._encode_lines(piece))
                    sys.stdout.buffer.flush()
