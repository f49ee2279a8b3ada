"""Which process is this, and does the one that owned a claim still live?"""

import os
import socket

import psutil

from millrace.domain.claim import Owner

_START_TOLERANCE_SECONDS = 5.0
"""The clock may be set between the two readings of it that a start is made of."""


def current_owner(run_id: str) -> Owner:
    return Owner(run_id, socket.gethostname(), os.getpid(), started_after_boot(psutil.Process()))


def started_after_boot(process: psutil.Process) -> float:
    """Return how many seconds after the machine a process started.

    The time of day of both moves when the clock is set, however long ago that was (Linux): by a clock
    that steps back an hour every living owner would seem to be another process.
    """
    return float(process.create_time() - psutil.boot_time())


def is_living_here(owner: Owner) -> bool:
    """Whether the owner's process surely lives: on this host, whatever the clock says of its lease.

    A laptop that sleeps, or a clock that is set forward, ends every lease and no process.
    """
    return owner.host == socket.gethostname() and not is_dead(owner)


def is_dead(owner: Owner) -> bool:
    """Whether the owner's process is surely gone; of another host nothing is known."""
    if owner.host != socket.gethostname():
        return False
    try:
        process = psutil.Process(owner.pid)
        started = started_after_boot(process)
        # killed, but not yet collected by its parent: it has the pid and will never run again
        is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    return is_zombie or abs(started - owner.process_started) > _START_TOLERANCE_SECONDS
