"""What does a look at a rollout cost: measuring the rows of both versions, and deciding on them?

1,000,000 logged rows in memory, a quarter answered by the challenger, a third labelled, 50 slices. Reading
them from the log is not on this clock.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.facts import ChampionPromoted
from millrace.domain.kinds import Task
from millrace.domain.rollout.advance import advance, start
from millrace.domain.rollout.evidence import Compared, Evidence
from millrace.domain.rollout.measure import LoggedRows, measure_arms, measure_slices
from millrace.domain.rollout.policy import Approval, Limits, Policy, Strategy, steps_of
from millrace.domain.rollout.state import Rollout, rollout_after

ROWS, SLICES, ROUNDS = 1_000_000, 50, 7
OLD, NEW = "a" * 64, "b" * 64
NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(
    strategy=Strategy.CANARY,
    steps=steps_of(Strategy.CANARY, (25, 50)),
    approval=Approval.AUTO,
    step_requests=500,
    interval=timedelta(minutes=1),
    failure_limit=3,
    deadline=timedelta(hours=2),
    probation_labels=2000,
    probation_deadline=timedelta(days=7),
    limits=Limits(0.01, 1.5, 0.2, 0.1, 0.02, 0.05),
)


def measure(rounds: int) -> Report:
    rows = _rows()
    rollout = start(
        rollout_after(Rollout("served"), ChampionPromoted(OLD, None, 1, ""), NOW), NEW, POLICY, NOW
    ).after
    evidence = Evidence(OLD, NEW, NOW, NOW, 1, 1, *_measured(rows))
    deciding = _median(lambda: advance(rollout, evidence, POLICY, NOW), 50)
    figures = (
        Figure("measuring all rows and each slice", _median(lambda: _measured(rows), rounds), "s", most=1.0),
        Figure("deciding", 1000 * deciding, "ms", most=1.0),
    )
    title = f"a look at a rollout: {ROWS:,} rows, {SLICES} slices, medians of {rounds} rounds"
    return make_report("rollout", title, figures, ("numpy", "scipy"))


def _measured(rows: LoggedRows) -> tuple[Compared, dict[str, Compared]]:
    ratio = POLICY.limits.max_latency_ratio
    return measure_arms(rows, Task.BINARY, ratio), measure_slices(rows, Task.BINARY, ratio)


def _rows() -> LoggedRows:
    rng = np.random.default_rng(7)
    nobody = np.zeros(ROWS, dtype=bool)
    return LoggedRows(
        answered_by=rng.random(ROWS) < 0.25,
        answers=rng.random(ROWS),
        latency_us=rng.gamma(2.0, 300.0, ROWS),
        scored_by=nobody,
        is_scored=nobody,
        scores=np.full(ROWS, np.nan),
        labels=np.where(rng.random(ROWS) < 0.33, rng.integers(0, 2, ROWS), np.nan),
        slices={
            "origin": np.array([f"o{at}" for at in range(SLICES)], dtype=object)[
                rng.integers(0, SLICES, ROWS)
            ]
        },
    )


def _median(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
