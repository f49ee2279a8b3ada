"""Does what cannot be logged harm only its own rows?"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.prediction_log import SegmentWriter
from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.prediction import AnsweredRow
from millrace.serving.journal import Journal, LogUnavailableError
from tests.logged import AT, MODEL

VALUE = "born 1970"


@dataclass(frozen=True)
class Logged:
    """What the journal asks of an arm; one that `breaks` has an input that is no value of any format."""

    digest: str
    breaks: bool = False
    model: str = MODEL
    generation: int = 1
    role: str = "answer"
    logged_columns: tuple[str, ...] = ("x",)

    def privately(self, rows: list[AnsweredRow]) -> list[AnsweredRow]:
        if self.breaks:
            raise ValueError(VALUE)
        return rows


def row(request_id: str) -> AnsweredRow:
    return AnsweredRow(request_id, 0, AT.timestamp(), (1.0,), 0.5, 9)


@pytest.mark.parametrize("is_durable", [True, False])
def test_rows_that_cannot_be_written_take_those_of_no_other_arm_along(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_durable: bool
) -> None:
    arms: list[Any] = [Logged("broken", breaks=True), Logged("whole")]

    async def answer() -> list[BaseException | None]:
        journal = Journal(writer, asyncio.get_running_loop())
        for arm in arms:
            journal.answered(arm, row(arm.digest))
        waits = [journal.disk_has(arm) for arm in arms] if is_durable else []
        async with asyncio.timeout(20):
            await asyncio.sleep(0)  # the turn in which the rows are written
            return await asyncio.gather(*waits, return_exceptions=True)

    writer = SegmentWriter(tmp_path, "one")
    told = asyncio.run(answer())
    writer.close()
    found = read_window(tmp_path, MODEL, AT, AT + timedelta(hours=1)).predictions
    assert list(found["request_id"]) == ["whole"]
    if is_durable:
        assert isinstance(told[0], LogUnavailableError)
        assert told[1] is None
    assert writer.lost_frames == (0 if is_durable else 1)
    assert VALUE not in caplog.text + str(told)
