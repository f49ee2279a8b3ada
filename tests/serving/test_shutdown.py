"""A service ends in order: nobody gets half an answer, nothing that was answered is lost."""

import asyncio
import contextlib
import itertools
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from millrace.adapters.prediction_log.reader import Window, read_window
from millrace.adapters.prediction_log.segment import list_segments
from millrace.domain.pointer import Arm, ArmRole, Durability
from tests.serving.service import RunningService, ServiceHome, running_service, wait_for
from tests.serving.talking import Reply, connected
from tests.serving.test_arms import sklearn_bundle
from tests.serving.under_load import MODEL, PATH, ask, home_with, publish, request, row, total

CONNECTIONS = 16
SECONDS = 0.5


@dataclass
class Heard:
    """What clients were answered, by request; None where a connection ended before the answer began."""

    sent: dict[int, float] = field(default_factory=dict)
    replies: dict[int, Reply | None] = field(default_factory=dict)

    async def keep_asking(self, port: int, numbers: Iterator[int]) -> None:
        """Ask one request after the other until the service closes; half an answer is an error."""
        async with connected(port) as connection:
            while True:
                number = next(numbers)
                self.sent[number] = time.monotonic()
                reply = self.replies[number] = await connection.ask(request(number))
                if reply is None or reply.closes:
                    return


async def load_and_end(service: RunningService) -> tuple[Heard, float]:
    heard, numbers = Heard(), itertools.count()
    clients = [asyncio.create_task(heard.keep_asking(service.port, numbers)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(SECONDS)
    ended = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*clients)
    return heard, ended


def window_of(home: ServiceHome) -> Window:
    now = datetime.now(UTC)
    return read_window(home.predictions, MODEL, now - timedelta(days=1), now + timedelta(minutes=1))


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_that_is_told_to_end_answers_first(
    tmp_path: Path, durability: Durability, workers: int
) -> None:
    home, _ = home_with(tmp_path, 1, durability=durability)
    with running_service(home, "--workers", str(workers)) as service:
        heard, ended = asyncio.run(load_and_end(service))
        assert service.process.wait(60) == 0
    unanswered = [number for number, reply in heard.replies.items() if reply is None]
    assert all(heard.sent[number] > ended for number in unanswered)
    assert {reply.body for reply in heard.replies.values() if reply and reply.status != 200} == set()
    found = window_of(home)
    assert (found.duplicates, found.damages) == (0, ())
    answered = {f"ride {number}" for number, reply in heard.replies.items() if reply}
    assert answered <= set(found.predictions["input.carrier"])
    assert {path.suffix for path in list_segments(home.predictions)} == {".seg"}


def workers_of(service: RunningService) -> list[psutil.Process]:
    children = psutil.Process(service.process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def told_by_all(service: RunningService) -> dict[str, int]:
    """Return the generation that each worker answers by: 40 connections miss one of two by a lucky chance."""
    found = [service.get("/readyz").json for _ in range(40)]
    return {told["instance"]: told["models"].get(MODEL, {}).get("generation") for told in found}


def told_by_both(service: RunningService) -> set[str]:
    """Return which workers answer, once both do in one look: another look may happen to miss one of them."""
    found = told_by_all(service)
    return set(found) if [*found.values()] == [1, 1] else set()


def test_workers_share_the_port_the_metrics_and_what_is_published(tmp_path: Path) -> None:
    home, [first, second] = home_with(tmp_path, 1, 2, durability=Durability.FAST)
    with running_service(home, "--workers", "2") as service:
        wait_for(lambda: [*told_by_all(service).values()] == [1, 1], "both workers")
        assert {ask(service, number).json["digest"] for number in range(200)} == {first}
        assert {total(service, "millrace_rows_total", digest=first[:12]) for _ in range(20)} == {200}
        publish(home, second, durability=Durability.FAST)
        wait_for(lambda: [*told_by_all(service).values()] == [2, 2], "both to follow")
        assert {ask(service, number).json["digest"] for number in range(100)} == {second}


def test_a_worker_that_dies_is_replaced_and_no_longer_counted_as_living(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1, durability=Durability.FAST)
    with running_service(home, "--workers", "2") as service, contextlib.ExitStack() as open_ones:
        before = wait_for(lambda: told_by_both(service), "both workers")
        assert {ask(service, number).status for number in range(100)} == {200}
        for _ in range(40):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", service.port)))
        wait_for(lambda: total(service, "millrace_connections") >= 40, "the connections")
        victim, _ = workers_of(service)
        victim.kill()
        victim.wait(30)
        after = wait_for(lambda: told_by_both(service), "a new worker")
        assert len(after & before) == 1
        open_ones.close()
        wait_for(lambda: total(service, "millrace_connections") < 5, "the connections to be forgotten")
        # what was counted stays counted
        assert total(service, "millrace_rows_total", model=MODEL) == 100


def test_a_service_that_is_told_to_end_shows_what_it_answered_to_its_shadows_first(tmp_path: Path) -> None:
    home, [champion] = home_with(tmp_path, 1, durability=Durability.FAST)
    # one that takes a while for as many rows
    other = home.add(MODEL, sklearn_bundle())
    arms = [Arm(champion, ArmRole.ANSWER, 100), Arm(other, ArmRole.SHADOW, 100)]
    publish(home, *arms, durability=Durability.FAST)
    rows = [row(number) | {"carrier": "AA"} for number in range(9_000)]
    with running_service(home) as service:
        wait_for(lambda: [*told_by_all(service).values()] == [2], "the shadow")
        assert service.post(PATH, rows).status == 200
        assert service.stop() == 0
    found = window_of(home)
    assert (found.rows, len(found.shadows), found.stray_shadows) == (9_000, 9_000, 0)
