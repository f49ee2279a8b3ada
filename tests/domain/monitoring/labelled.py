"""Answered rows whose truth is known, and what they are held to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from millrace.domain.config import GateSection, Metric, PerformanceSection
from millrace.domain.facts import Level
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.level import measure_level
from millrace.domain.losses import FloatArray
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.domain.rollout.measure import Sliced
from tests.domain.judged import source_of

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=30)
DAY = timedelta(days=1)
METRIC = {Task.BINARY: Metric.BRIER, Task.REGRESSION: Metric.MAE, Task.MULTICLASS: Metric.LOG_LOSS}
GATE = {
    "comparison": "superior",
    "margin": 0.0,
    "golden_margin": 0.02,
    "baseline_margin": 0.0,
    "confidence": 0.95,
    "rounds": 200,
    "min_blocks": 14,
    "max_looks": 50,
    "floors": {},
    "agreement_tolerance": 1e-4,
    "max_disagreeing_share": 0.005,
}
POLICY = {"min_labels": 500, "max_excess_loss": 0.02, "confidence": 0.95, "windows": 1}


def policy(**changes: Any) -> PerformanceSection:
    return PerformanceSection.model_validate({**POLICY, **changes})


def gate(metric: Metric) -> GateSection:
    return GateSection.model_validate({**GATE, "metric": metric})


def times(rows: int, length: timedelta = timedelta(days=30)) -> Any:
    """Spread rows evenly over a time from the start on, in microseconds since 1970."""
    first, micros = int(START.timestamp() * 1e6), length // timedelta(microseconds=1)
    return first + np.arange(rows, dtype=np.int64) * micros // max(1, rows)


def rows_of(answers: FloatArray, labels: FloatArray, at: Any = None, **slices: list[str]) -> AnsweredRows:
    count = len(answers)
    return AnsweredRows(
        at=times(count) if at is None else at,
        answers=answers,
        labels=np.asarray(labels, dtype=np.float64),
        labelled_at=np.full(count, -1),
        latency_us=np.full(count, 2_000.0),
        failed=np.zeros(count, dtype=bool),
        is_first=np.ones(count, dtype=bool),
        slices={name: sliced(values) for name, values in slices.items()},
    )


def sliced(values: list[str]) -> Sliced:
    names, codes = np.unique(values, return_inverse=True)
    return Sliced(tuple(names.tolist()), codes)


def honest(rows: int, seed: int, low: float = 0.05, high: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Answers that are the very probabilities of their labels."""
    source = np.random.default_rng(seed)
    answers = source.uniform(low, high, rows)
    return answers, (source.random(rows) < answers).astype(np.float64)


def judged(answers: FloatArray, labels: FloatArray, **slices: list[str]) -> JudgedSet:
    blocks = np.array([f"b{row % 28:02}" for row in range(len(labels))])
    return JudgedSet(
        source_of("r"), labels, blocks, answers, None, answers, None, 0,
        {name: np.array(values) for name, values in slices.items()},
    )  # fmt: skip


def level(task: Task, answers: FloatArray, labels: FloatArray, **slices: list[str]) -> Level:
    found = measure_level(judged(answers, labels, **slices), task, gate(METRIC[task]))
    assert found is not None
    return found


def yardstick(known: Level | None, task: Task = Task.BINARY, **changes: Any) -> Yardstick:
    return Yardstick(task, METRIC[task], known, DAY, policy(**changes), rounds=200)
