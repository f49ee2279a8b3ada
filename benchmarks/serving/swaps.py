"""What do requests notice of a new champion? Each swap is to a bundle the service has never seen."""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

import numpy as np

from benchmarks.serving.model import Served
from benchmarks.serving.open_loop import Exchange, drive, precise_loop, request_bytes
from benchmarks.serving.ours import (
    PATH,
    WHOLE,
    Variant,
    digest_of,
    prepare_home,
    publish,
    start_millrace,
    write_edition,
)
from benchmarks.serving.process import LOAD_CORE
from millrace.domain.pointer import Arm, ArmRole, Durability

RATE = 2000.0
SWAPS = 5
STEADY_SECONDS = 3.0
WINDOW_SECONDS = 1.0


@dataclass(frozen=True)
class Swaps:
    """Latencies under constant load, in the seconds in which a champion changes and in all others."""

    steady_p99_ms: float
    swap_p99_ms: float
    swap_seconds: float
    failed: int

    @property
    def ratio(self) -> float:
        return self.swap_p99_ms / self.steady_p99_ms


class MissedSwapError(Exception):
    """The new champion never answered."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"{digest[:12]} was published and answered no request")


def measure_swaps(folder: Path, served: Served) -> Swaps:
    """Load our service from the other core while champions change."""
    home = folder / "home-swaps"
    prepare_home(home, served, Variant.FAST)
    digests = [write_edition(home, served, 1 + number) for number in range(SWAPS)]
    bodies = [request_bytes(PATH, json.dumps(row).encode()) for row in served.sent]
    allowed = os.sched_getaffinity(0)
    with start_millrace(home, "swaps") as service:
        os.sched_setaffinity(0, {LOAD_CORE})
        try:
            with asyncio.Runner(loop_factory=precise_loop) as runner:
                runner.run(_drive(service.port, bodies, 2.0))
                exchanges, published = runner.run(_drive_and_swap(service.port, bodies, home, digests))
        finally:
            os.sched_setaffinity(0, allowed)
    return _judge(exchanges, list(zip(digests, published, strict=True)))


async def _drive(port: int, bodies: Sequence[bytes], seconds: float) -> list[Exchange]:
    return await drive(port, lambda number: bodies[number % len(bodies)], RATE, int(RATE * seconds))


async def _drive_and_swap(
    port: int, bodies: Sequence[bytes], home: Path, digests: Iterable[str]
) -> tuple[list[Exchange], list[float]]:
    load = asyncio.create_task(_drive(port, bodies, STEADY_SECONDS * (SWAPS + 1)))
    published = []
    for generation, digest in enumerate(digests, 2):
        await asyncio.sleep(STEADY_SECONDS)
        arms = (Arm(digest, ArmRole.ANSWER, WHOLE),)
        published.append(monotonic())
        # a thread: the load goes on while the disk is awaited
        await asyncio.to_thread(publish, home, generation, arms, Durability.FAST)
    return await load, published


def _judge(exchanges: Sequence[Exchange], published: Sequence[tuple[str, float]]) -> Swaps:
    answered = [one for one in exchanges if one.status == 200]
    due = np.array([one.due for one in answered])
    latency = np.array([one.latency for one in answered]) * 1e3
    by_digest = [digest_of(json.loads(one.body)) for one in answered]
    taken = [_first_answer(answered, by_digest, digest) - at for digest, at in published]
    is_swap = np.zeros(len(due), dtype=bool)
    swap_p99 = []
    for (_, at), seconds in zip(published, taken, strict=True):
        window = (due >= at) & (due < at + max(WINDOW_SECONDS, seconds))
        swap_p99.append(float(np.percentile(latency[window], 99)))
        is_swap |= window
    return Swaps(
        _steady_p99(due, latency, is_swap), median(swap_p99), median(taken), len(exchanges) - len(answered)
    )


def _first_answer(answered: Sequence[Exchange], by_digest: Sequence[str], digest: str) -> float:
    done = [one.done for one, by in zip(answered, by_digest, strict=True) if by == digest]
    if not done:
        raise MissedSwapError(digest)
    return min(done)


def _steady_p99(due: "np.ndarray", latency: "np.ndarray", is_swap: "np.ndarray") -> float:
    """Return the p99 of an ordinary second, the median over them."""
    seconds = ((due - due[0]) // WINDOW_SECONDS).astype(int)
    whole = [second for second in np.unique(seconds) if not is_swap[seconds == second].any()]
    return median(float(np.percentile(latency[seconds == second], 99)) for second in whole)
