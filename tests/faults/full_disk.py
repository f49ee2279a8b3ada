"""A service whose disk is full for a while; it writes what was acknowledged, refused and lost, as JSON.

The limit on the size of a file fails in the same place as a full disk does: in the middle of a write.
"""

import json
import resource
import sys
from pathlib import Path

from millrace.adapters.prediction_log import SegmentWriter, encode
from tests.logged import answered, append_and_wait, wait_until

FULL_BYTES = 20_000


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def main(folder: Path) -> None:
    limit(FULL_BYTES)
    writer = SegmentWriter(folder, "one")
    acknowledged, refused = [], []
    for number in range(200):
        name = f"durable.{number}"
        (refused if append_and_wait(writer, answered(name)) else acknowledged).append(name)
    for number in range(50):
        writer.append(encode(answered(f"fast.{number}" * 100)))
    wait_until(lambda: writer.lag == 0)
    seen = {"lost": writer.lost_frames, "errno": writer.last_error and writer.last_error.errno}
    limit(resource.RLIM_INFINITY)
    again = [f"again.{number}" for number in range(20)]
    assert not any(append_and_wait(writer, answered(name)) for name in again)
    seen |= {"error_after": writer.last_error, "lost_after": writer.lost_frames}
    writer.close()
    json.dump(seen | {"acknowledged": acknowledged, "refused": refused, "again": again}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
