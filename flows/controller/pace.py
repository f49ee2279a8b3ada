"""The controller's pace: when everything is looked at, and what must have stood for a while before."""

import threading
import time

LOOK_SECONDS = 15.0
"""How often everything is looked at when nothing is heard: what has become due, and whom an event missed."""
IDLE_SHARE, BUSY_SHARE = 0.01, 0.2
"""How much of a core looking at everything may take, while nothing is heard and while much is."""
AGAIN_SECONDS = 600.0
"""How long what failed or changed nothing is left alone: a repair, a deploy, alerts that nobody took."""


class Pace:
    """When everything was looked at last and will be next; `heard` brings it forward."""

    def __init__(self) -> None:
        self.heard = threading.Event()
        self._next_look = self._no_look_before = 0.0

    def wait(self, seconds: float) -> None:
        """Wait so long, or until something is heard that may be looked at already."""
        if self.heard.wait(seconds) and time.monotonic() < self._no_look_before:
            time.sleep(seconds)

    def is_time(self, now: float) -> bool:
        """Whether to look at everything now; what was heard is taken up by that look."""
        if now < self._no_look_before or (now < self._next_look and not self.heard.is_set()):
            return False
        self.heard.clear()
        self._next_look = now + LOOK_SECONDS
        return True

    def keep_to_share(self, took: float) -> None:
        """Keep looking to its share of a core, however many models there are and whatever is heard."""
        now = time.monotonic()
        self._no_look_before = now + took / BUSY_SHARE
        if took / IDLE_SHARE > LOOK_SECONDS:
            self._next_look = now + took / IDLE_SHARE

    def look_by(self, at: float) -> None:
        """Look at everything by then."""
        self._next_look = min(self._next_look, at)


class Patience:
    """Since when each thing is seen, and which are left alone for now."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._first_seen: dict[tuple[str, str], float] = {}
        self._left_alone_until: dict[str, float] = {}

    def has_stood(self, model: str, key: str, seconds: float) -> bool:
        """Whether `key` was first seen so long ago; if not, everything is looked at again when it will be."""
        now = time.monotonic()
        ripe_at = self._first_seen.setdefault((model, key), now) + seconds
        if now < ripe_at:
            self._pace.look_by(ripe_at)
        return now >= ripe_at

    def forget(self, model: str, key: str) -> None:
        """What is seen of it from now on is new."""
        self._first_seen.pop((model, key), None)

    def forget_all_but(self, model: str, keys: set[str]) -> None:
        """Forget what no longer waits at the model."""
        for seen in [seen for seen in self._first_seen if seen[0] == model and seen[1] not in keys]:
            del self._first_seen[seen]

    def is_ripe(self, matter: str) -> bool:
        """Whether the matter is not left alone."""
        return time.monotonic() >= self._left_alone_until.get(matter, 0.0)

    def leave_alone(self, matter: str) -> None:
        """Do nothing about the matter for `AGAIN_SECONDS`."""
        self._left_alone_until[matter] = time.monotonic() + AGAIN_SECONDS
