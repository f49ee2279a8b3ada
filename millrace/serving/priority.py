"""Which threads step back for those that answer?"""

import contextlib
import os
import threading

LOADING = 10
SHADOWING = 5
"""Shadows have more of a busy core than a load: what they do not get to is lost."""


def lower_priority(niceness: int) -> None:
    """Let the calling thread yield to those that answer, where each has a priority of its own: on Linux."""
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
