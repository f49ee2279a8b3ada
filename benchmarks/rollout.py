"""What does a look at a rollout cost: reading what both versions did, measuring it, and deciding?

A log of 1,000,000 rows of one step, a third of them labelled by their request, a column with 50 values. First
a quarter is answered by the challenger, and labels name their rows by the request, then by a key; at last the
challenger shadows, and each row has an answer of both.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import Figure, Report, make_report, run
from benchmarks.rollout_log import COLUMN, KEY, MODEL, NEW, OLD, START, VALUES, write_log
from millrace.adapters.prediction_log.trial import Trial, TrialRows, read_trial
from millrace.domain.facts import ChampionPromoted
from millrace.domain.kinds import Task
from millrace.domain.rollout.advance import advance, start
from millrace.domain.rollout.evidence import Compared, Evidence
from millrace.domain.rollout.measure import measure_arms, measure_slices
from millrace.domain.rollout.policy import Approval, Limits, Policy, Strategy, steps_of
from millrace.domain.rollout.state import Rollout, rollout_after

ROWS, ROUNDS = 1_000_000, 7
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TRIAL = Trial(MODEL, 7, OLD, NEW, START, NOW, Task.BINARY, ("0", "1"), (COLUMN,))
KEYED = replace(TRIAL, keys=(KEY,))
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
    slices=(COLUMN,),
)


def measure(rounds: int) -> Report:
    figures = (
        *_figures("canary", TRIAL, rounds, is_shadowed=False),
        *_figures("canary, labels by key", KEYED, rounds, is_shadowed=False),
        *_figures("shadow", TRIAL, rounds, is_shadowed=True),
    )
    title = f"a look at a rollout: {ROWS:,} rows, {VALUES} slices, medians of {rounds} rounds"
    return make_report("rollout", title, figures, ("numpy", "pyarrow", "msgspec", "scipy"))


def _figures(name: str, trial: Trial, rounds: int, *, is_shadowed: bool) -> tuple[Figure, ...]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder)
        write_log(log, ROWS, is_shadowed=is_shadowed, by_key=bool(trial.keys))
        found = read_trial(log, trial)
        rollout, evidence = _begun(), _evidence(found)
        look = _median(lambda: advance(rollout, _evidence(read_trial(log, trial)), POLICY, NOW), rounds)
        reading = _median(lambda: read_trial(log, trial), rounds)
    measuring = _median(lambda: _measured(found), rounds)
    deciding = 1000 * _median(lambda: advance(rollout, evidence, POLICY, NOW), 50)
    return (
        Figure(
            f"{name}: the whole look", look, "s", most=1.0 if trial is TRIAL and not is_shadowed else None
        ),
        Figure(f"{name}: reading the log", reading, "s"),
        Figure(f"{name}: measuring all rows and each slice", measuring, "s"),
        Figure(f"{name}: deciding", deciding, "ms", most=1.0),
    )


def _begun() -> Rollout:
    idle = rollout_after(Rollout(MODEL), ChampionPromoted(OLD, None, 1, ""), START)
    return start(idle, NEW, POLICY, START).after


def _evidence(found: TrialRows) -> Evidence:
    return Evidence(OLD, NEW, START, NOW, 1, 1, *_measured(found), len(found.damages))


def _measured(found: TrialRows) -> tuple[Compared, dict[str, Compared]]:
    ratio = POLICY.limits.max_latency_ratio
    return measure_arms(found.rows, TRIAL.task, ratio), measure_slices(found.rows, TRIAL.task, ratio)


def _median(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
