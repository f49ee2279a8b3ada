"""What time is it? Nobody else reads the wall clock.

Where `MILLRACE_CLOCK` names a file, as in `millrace demo`, time is ahead of the wall clock, or behind it, by
the seconds in that file: a year then takes minutes, in every process of the installation.
"""

import mmap
import os
import struct
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

CLOCK = "MILLRACE_CLOCK"

_SECONDS = struct.Struct("<d")


def now() -> datetime:
    """Return the time of this installation."""
    return datetime.fromtimestamp(timestamp(), UTC)


def timestamp() -> float:
    """Return the same as seconds since 1970."""
    set_by = _open()
    return time.time() if set_by is None else time.time() + _SECONDS.unpack_from(set_by)[0]


def wall_now() -> datetime:
    """Return the time that is on the wall: what lives or died is a matter of it."""
    return datetime.now(UTC)


def set_clock(moment: datetime) -> None:
    """Let it be `moment` now, and later from then on, for everybody who goes by the same file."""
    path = Path(os.environ[CLOCK])
    if not path.exists():
        path.write_bytes(_SECONDS.pack(0.0))
    with path.open("r+b") as file:  # in its place: others have it mapped
        file.write(_SECONDS.pack(moment.timestamp() - time.time()))


@cache
def _open() -> mmap.mmap | None:
    path = os.environ.get(CLOCK)
    if path is None:
        return None
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)
