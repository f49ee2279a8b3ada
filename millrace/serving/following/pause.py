"""When is something that failed tried again?"""

import time
from collections.abc import Callable

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


class Pause:
    """A wait that doubles with each failure, from one second to a minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.reset()

    @property
    def is_over(self) -> bool:
        return self._monotonic() >= self._until

    def reset(self) -> None:
        """Let the next try be now."""
        self._seconds, self._until = FIRST_SECONDS, 0.0

    def begin(self) -> None:
        """Wait, after a failure; longer the next time."""
        self._until = self._monotonic() + self._seconds
        self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
