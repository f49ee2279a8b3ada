"""How far is the work, for whoever watches this process?"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]


def _ignore(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


listener: ContextVar[Listener] = ContextVar("listener", default=_ignore)
"""Who hears of progress: the step's name, how much of it is done, and of how much (0 when unknown)."""


def announce(step: str, done: int = 0, total: int = 0) -> None:
    """Say that `step` has begun, or how much of it is done."""
    listener.get()(step, done, total)


@contextmanager
def timing() -> Iterator[dict[str, float]]:
    """Note when each step of the block began, by `time.monotonic`; who watches hears of it too."""
    began: dict[str, float] = {}
    told = listener.get()

    def note(step: str, done: int, total: int) -> None:
        began.setdefault(step, time.monotonic())
        told(step, done, total)

    token = listener.set(note)
    try:
        yield began
    finally:
        listener.reset(token)
