"""How long does a bad canary answer, from the least evidence on?

A real service under load, whose challenger has no number for 2 % of the rows, or takes ten times as long; a
look each second, two that fail take it back. The versions and the load are those of tests/rollouts.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.report import Figure, Report, make_report, run
from tests.rollouts.rig import AT_ONCE, Live, live_installation
from tests.rollouts.versions import failing, slow
from tests.serving.service import Packed

ROUNDS = 30


def measure(rounds: int) -> Report:
    bound = (AT_ONCE.bound + AT_ONCE.interval).total_seconds()
    figures = []
    for name, make in (("2 % of the rows fail", failing), ("slow", slow)):
        seconds = sorted(_seconds_of_each(make, rounds))
        figures += [
            Figure(f"{name}, median of {rounds}", seconds[rounds // 2], "s", most=bound),
            Figure(f"{name}, longest of {rounds}", seconds[-1], "s", most=bound),
        ]
    title = f"a bad canary is gone, {rounds} of each, in seconds from the least evidence on"
    return make_report("canary", title, tuple(figures), ("uvicorn", "onnxruntime", "scipy"))


def _seconds_of_each(make: Callable[[int], Packed], rounds: int) -> list[float]:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        live_installation(Path(folder), patch) as live,
        live.load(),
    ):
        return [_seconds_until_gone(live, make(number)) for number in range(1, rounds + 1)]


def _seconds_until_gone(live: Live, bad: Packed) -> float:
    live.begin(bad, AT_ONCE)
    looks = live.look_and_count(lambda rollout: rollout.challenger is None, AT_ONCE.interval)
    if live.rollout.champion != live.champion:
        raise RuntimeError("a bad canary became champion")
    return looks.seconds


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
