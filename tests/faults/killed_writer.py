"""Services that log as fast as they can until they are killed; each acknowledged row is printed at once."""

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.writer import Limits
from tests.logged import answered

WAITING = 16
SMALL = Limits(segment_bytes=200_000)


def log_for_ever(folder: Path, name: str) -> None:
    """Keep so many durable rows waiting, with fast ones between them."""
    writer, slots = SegmentWriter(folder, name, SMALL), threading.Semaphore(WAITING)
    for number in range(10**9):
        slots.acquire()
        acknowledged = f"{name}.{number}"

        def done(error: OSError | None, line: str = f"{acknowledged}\n") -> None:
            assert error is None
            os.write(1, line.encode())
            slots.release()

        writer.append(encode(answered(f"fast.{acknowledged}")))
        writer.append_durable(encode(answered(acknowledged)), done)


def main(folder: Path, kills: int) -> None:
    for kill in range(kills):
        service = os.fork()
        if service == 0:
            log_for_ever(folder, f"s{kill}")
        time.sleep(random.uniform(0.02, 0.06))  # noqa: S311
        os.kill(service, signal.SIGKILL)
        os.waitpid(service, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
