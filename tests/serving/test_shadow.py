"""Is each row a shadow was offered scored, or counted, and does its failure tell no secret?"""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.prediction_log import SegmentWriter
from millrace.adapters.prediction_log.segment import Damage, list_segments, read_records
from millrace.domain.features import UnreadableColumnError
from millrace.domain.pointer import Arm, ArmRole
from millrace.domain.prediction import Answer, Shadowed
from millrace.serving.journal import Journal
from millrace.serving.metrics import Metrics
from millrace.serving.requests import Row
from millrace.serving.shadow import BROKEN_ROWS, MAX_BATCH_ROWS, Shadow
from tests.logged import MODEL, wait_until

VALUE = "born 1970"
MINUTE = timedelta(minutes=1).total_seconds()


class Scored:
    """What a shadow asks of its arm: it raises what it is told to, and waits as long as it is told to."""

    arm = Arm("b" * 64, ArmRole.SHADOW, 100)
    model, digest, generation = MODEL, arm.digest, 1

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.asked = 0
        self.may_go_on, self.is_scoring = threading.Event(), threading.Event()
        self.may_go_on.set()

    def refuses(self, _: Row) -> bool:
        return False

    def score(self, rows: Sequence[Row]) -> list[Answer | None]:
        self.is_scoring.set()
        assert self.may_go_on.wait(MINUTE)
        self.asked += 1
        if self.problem is not None or any(row[0] < 0 for row in rows):
            raise self.problem or ValueError(VALUE)
        return [1.0] * len(rows)


class Shadowing:
    """A shadow with a log of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.arm, self.metrics = folder, Scored(), Metrics()
        self.writer = SegmentWriter(folder, "one")
        arm: Any = self.arm
        loop: Any = None  # nobody waits for what a shadow writes
        self.shadow = Shadow(arm, self.metrics, Journal(self.writer, loop))

    def offer(self, rows: int, value: float = 1.0) -> None:
        for at in range(rows):
            self.shadow.offer("r", at, (value,), "r")

    @property
    def dropped(self) -> float:
        return self._value("millrace_shadow_dropped_rows_total")

    @property
    def failed(self) -> float:
        return self._value("millrace_shadow_failed_rows_total")

    def _value(self, name: str) -> float:
        lines = [line for line in self.metrics.exposition().decode().splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def end(self, seconds: float = MINUTE) -> None:
        self.shadow.close()
        self.shadow.give_up(time.monotonic() + seconds)

    def logged(self) -> list[Shadowed]:
        self.writer.close()
        [path] = list_segments(self.folder)
        with path.open("rb") as file:
            found = list(read_records(file, path.name))
        assert not any(isinstance(one, Damage) for one in found)
        return [one for one in found if isinstance(one, Shadowed)]


@pytest.fixture
def shadowing(tmp_path: Path) -> Iterator[Shadowing]:
    found = Shadowing(tmp_path)
    yield found
    found.arm.may_go_on.set()
    found.end()


def test_a_shadow_that_is_closed_scores_what_waits_and_counts_what_comes_too_late(
    shadowing: Shadowing,
) -> None:
    shadowing.offer(2 * MAX_BATCH_ROWS)
    shadowing.end()
    assert not shadowing.shadow.is_alive
    shadowing.offer(3)
    assert shadowing.dropped == 3
    assert sum(len(one.rows) for one in shadowing.logged()) == 2 * MAX_BATCH_ROWS


def test_what_a_shadow_has_no_time_for_at_the_end_is_counted(shadowing: Shadowing) -> None:
    shadowing.arm.may_go_on.clear()
    shadowing.offer(1)
    assert shadowing.arm.is_scoring.wait(MINUTE)
    shadowing.offer(20)
    shadowing.end(seconds=0.0)
    assert (shadowing.dropped, shadowing.shadow.queued) == (20, 0)


@pytest.mark.parametrize(
    ("problem", "named"),
    [
        (ValueError(VALUE), "ValueError"),
        (UnreadableColumnError("birth", VALUE, "a number"), "UnreadableColumnError: column birth"),
    ],
)
def test_a_failure_is_named_without_its_values_and_told_once(
    shadowing: Shadowing, caplog: pytest.LogCaptureFixture, problem: Exception, named: str
) -> None:
    def fail(with_: Exception | None, failed: int) -> None:
        shadowing.arm.problem = with_
        shadowing.arm.is_scoring.clear()
        shadowing.offer(1)
        assert shadowing.arm.is_scoring.wait(MINUTE)
        wait_until(lambda: shadowing.failed == failed)

    fail(problem, 1)
    fail(problem, 2)
    fail(TypeError(VALUE), 3)
    shadowing.end()
    assert [one.error for one in shadowing.logged()] == [named, named, "TypeError"]
    assert len(caplog.records) == 2
    assert VALUE not in caplog.text


def test_a_row_that_breaks_the_shadow_is_no_failure_of_its_neighbours(shadowing: Shadowing) -> None:
    shadowing.arm.may_go_on.clear()
    shadowing.offer(1)
    assert shadowing.arm.is_scoring.wait(MINUTE)
    for _ in range(5):
        shadowing.offer(10)
        shadowing.offer(1, value=-1.0)
    shadowing.arm.may_go_on.set()
    shadowing.end()
    logged = shadowing.logged()
    assert shadowing.failed == 5
    assert sum(len(one.rows) for one in logged if one.error) == 5
    assert sum(len(one.rows) for one in logged if not one.error) == 51


def test_a_shadow_that_is_broken_is_not_tried_row_by_row(shadowing: Shadowing) -> None:
    shadowing.arm.may_go_on.clear()
    shadowing.offer(1)
    assert shadowing.arm.is_scoring.wait(MINUTE)
    shadowing.offer(MAX_BATCH_ROWS, value=-1.0)
    shadowing.arm.may_go_on.set()
    shadowing.end()
    assert (shadowing.failed, shadowing.dropped) == (BROKEN_ROWS, MAX_BATCH_ROWS - BROKEN_ROWS)
    assert sum(len(one.rows) for one in shadowing.logged() if one.error) == BROKEN_ROWS
    assert shadowing.arm.asked == 2 + BROKEN_ROWS
