"""Chores: what is done every so often, whatever became of it the last time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from flows.controller.telling import Teller


@dataclass
class Chore:
    """Something to do every so many seconds; the first time is so long after the start."""

    subject: str
    seconds: float
    act: Callable[[], None]
    next_at: float = 0.0

    def __post_init__(self) -> None:
        self.next_at = time.monotonic() + self.seconds

    def do_if_due(self, teller: Teller) -> None:
        """Do it when it is time, and say what went wrong."""
        if time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + self.seconds
            with teller.telling(self.subject):
                self.act()
