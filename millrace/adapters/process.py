"""Which process is this, and does the one that owned a claim still live?"""

import os
import socket

import psutil

from millrace.domain.claim import Owner

_START_TOLERANCE_SECONDS = 5.0
"""Linux derives a start from the boot time, which moves when the clock is set: allow a small step."""


def current_owner(run_id: str) -> Owner:
    return Owner(run_id, socket.gethostname(), os.getpid(), psutil.Process().create_time())


def is_dead(owner: Owner) -> bool:
    """Whether the owner's process is surely gone; of another host nothing is known."""
    if owner.host != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner.pid)
        started: float = process.create_time()
        # killed, but not yet collected by its parent: it has the pid and will never run again
        is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    return is_zombie or abs(started - owner.process_started) > _START_TOLERANCE_SECONDS
