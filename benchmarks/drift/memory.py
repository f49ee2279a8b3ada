"""How much memory has this process held at most?"""

import re
from pathlib import Path

_KIBIBYTES_OF_GIB = 1 << 20


def peak_gib() -> float:
    """Return the peak of this process alone: `ru_maxrss` begins at that of the process that started it."""
    [kibibytes] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(kibibytes) / _KIBIBYTES_OF_GIB
