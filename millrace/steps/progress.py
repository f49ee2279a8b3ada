"""How far is the work, for whoever watches this process?"""

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]


def _ignore(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


listener: ContextVar[Listener] = ContextVar("listener", default=_ignore)
"""Who hears of progress: the step's name, how much of it is done, and of how much (0 when unknown)."""


def announce(step: str, done: int = 0, total: int = 0) -> None:
    """Say that `step` has begun, or how much of it is done."""
    listener.get()(step, done, total)
