"""A service that is killed under load, and started again: no row it acknowledged is lost, torn or doubled."""

import asyncio
import contextlib
import itertools
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.adapters.prediction_log.segment import list_segments
from tests.serving.service import RunningService, ServiceHome, running_service
from tests.serving.talking import HalfAnswerError, connected
from tests.serving.under_load import MODEL, edition_of, home_with, request

CONNECTIONS = 16
MANY = 5
"""Rows of every fourth request."""


@dataclass(frozen=True)
class Acknowledged:
    """A row that was answered with 200."""

    request_id: str
    row: int
    number: int
    answer: float


async def ask_until_gone(port: int, numbers: Iterator[int], found: list[Acknowledged]) -> None:
    """Ask one request after the other and keep what is acknowledged, until the connection ends."""
    with contextlib.suppress(OSError, HalfAnswerError):
        async with connected(port) as connection:
            while True:
                first = next(numbers) * MANY
                asked = range(first, first + MANY if not first % 4 else first + 1)
                if (reply := await connection.ask(request(*asked))) is None:
                    return
                assert reply.status == 200
                body = reply.json
                answers = [body["answer"]] if len(asked) == 1 else [one["answer"] for one in body["answers"]]
                found += [
                    Acknowledged(body["request_id"], at, number, answer)
                    for at, (number, answer) in enumerate(zip(asked, answers, strict=True))
                ]


async def load_and_kill(
    service: RunningService, numbers: Iterator[int], seconds: float
) -> list[Acknowledged]:
    found: list[Acknowledged] = []
    clients = [asyncio.create_task(ask_until_gone(service.port, numbers, found)) for _ in range(CONNECTIONS)]
    while not found:
        await asyncio.sleep(0.001)
    await asyncio.sleep(seconds)
    service.process.send_signal(signal.SIGKILL)
    await asyncio.gather(*clients)
    return found


def window_of(home: ServiceHome) -> Window:
    now = datetime.now(UTC)
    return read_window(home.predictions, MODEL, now - timedelta(days=1), now + timedelta(minutes=1))


def check(found: Window, acknowledged: pd.DataFrame) -> None:
    logged = found.predictions
    assert found.duplicates == 0
    assert not logged.duplicated(["request_id", "row"]).any()
    assert {damage.is_torn for damage in found.damages} <= {True}
    joined = acknowledged.merge(logged, on=["request_id", "row"], how="left", validate="one_to_one")
    assert len(joined) == len(acknowledged)
    assert (joined["answer_x"] == joined["answer_y"]).all()
    assert (joined["input.carrier"] == "ride " + joined["number"].astype(str)).all()
    # of rows nobody heard of too: each says its number twice, and an answer that its bundle alone gives
    numbers = logged["input.carrier"].str.removeprefix("ride ").astype(int)
    assert (logged["input.label"] == numbers % 100_000 / 1000).all()
    assert (logged["input.my column"] == numbers % 9).all()
    assert {edition_of(answer) for answer in logged["answer"]} == {1}


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_services_lose_tear_and_double_no_acknowledged_row(
    tmp_path: Path, kills: int, record_property: Callable[[str, object], None]
) -> None:
    home, _ = home_with(tmp_path, 1)
    numbers, seconds = itertools.count(1), random.Random(kills)  # noqa: S311
    acknowledged: list[Acknowledged] = []
    begun = time.monotonic()
    for _ in range(kills):
        with running_service(home) as service:
            acknowledged += asyncio.run(load_and_kill(service, numbers, seconds.uniform(0.0, 0.3)))
            assert service.process.wait() == -signal.SIGKILL
    took = time.monotonic() - begun
    told = pd.DataFrame(acknowledged)
    assert len(told) > kills
    before = window_of(home)
    check(before, told)
    compact(home.predictions)
    assert list_segments(home.predictions) == []
    after = window_of(home)
    check(after, told)
    pd.testing.assert_frame_equal(after.predictions, before.predictions)
    record_property("seconds", round(took))
    record_property("acknowledged_rows", len(told))
    record_property("logged_rows", before.rows)
    record_property("torn_ends", len(before.damages))
