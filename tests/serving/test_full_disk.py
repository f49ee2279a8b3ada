"""A disk that takes no log: who asked for durable answers gets none, who asked for fast ones is served.

The limit on the size of a file fails in the same place as a full disk does: in the middle of a write.
"""

import resource
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.prediction_log.privacy import ensure_salt, private_columns
from millrace.adapters.prediction_log.reader import read_window
from millrace.domain.pointer import Durability, ServingSettings
from tests.serving.service import Answer, RunningService, ServiceHome, running_service, wait_for
from tests.serving.under_load import MODEL, ask, home_with, publish, total

ROOM = 4_000
"""Bytes that a file may still grow to: some rows."""


def fill_disk(service: RunningService, room: int) -> None:
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))


def free_disk(service: RunningService) -> None:
    fill_disk(service, resource.RLIM_INFINITY)


def logged(home: ServiceHome) -> pd.DataFrame:
    now = datetime.now(UTC)
    found = read_window(home.predictions, MODEL, now - timedelta(days=1), now + timedelta(minutes=1))
    assert found.duplicates == 0
    assert {damage.is_torn for damage in found.damages} <= {True}
    return found.predictions


def ask_many(service: RunningService, first: int, count: int = 40) -> list[Answer]:
    return [ask(service, number) for number in range(first, first + count)]


def rides(answers: list[Answer], first: int) -> set[str]:
    return {f"ride {first + at}" for at, answer in enumerate(answers) if answer.status == 200}


def test_a_full_disk_refuses_durable_answers_until_there_is_room(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1)
    with running_service(home, "--no-access-log") as service:
        fill_disk(service, ROOM)
        during = ask_many(service, 0)
        assert {answer.status for answer in during} == {200, 503}
        refused = next(answer for answer in during if answer.status == 503)
        assert refused.json["error"]["kind"] == "log_unavailable"
        assert "Nothing was acknowledged" in refused.json["error"]["message"]
        assert refused.headers["retry-after"] == "1"
        assert service.get("/healthz").status == 200
        assert "File too large" in service.get("/readyz").json["log"]
        wait_for(lambda: total(service, "millrace_log_failing") == 1, "the alarm")
        free_disk(service)
        after = ask_many(service, 100)
        assert {answer.status for answer in after} == {200}
        assert service.get("/readyz").json["log"] is None
        wait_for(lambda: total(service, "millrace_log_failing") == 0, "the end of the alarm")
        assert service.stop() == 0
    assert set(logged(home)["input.carrier"]) == rides(during, 0) | rides(after, 100)


def test_a_full_disk_keeps_no_fast_answer_back_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1, durability=Durability.FAST)
    with running_service(home, "--no-access-log") as service:
        fill_disk(service, ROOM)
        during = ask_many(service, 0)
        assert {answer.status for answer in during} == {200}
        # what is left of the room may do for a row or two
        wait_for(lambda: ask(service, 0).status != 200 or total(service, "millrace_log_failing"), "the alarm")
        assert "File too large" in service.get("/readyz").json["log"]
        assert service.get("/readyz").status == 200
        lost = total(service, "millrace_log_lost_frames")
        assert lost > 0
        free_disk(service)
        after = ask_many(service, 1_000)
        wait_for(lambda: service.get("/readyz").json["log"] is None, "the log")
        wait_for(lambda: total(service, "millrace_log_waiting_frames") == 0, "the disk")
        assert service.stop() == 0
    found = set(logged(home)["input.carrier"])
    assert rides(after, 1_000) <= found
    assert found <= rides(during, 0) | rides(after, 1_000)
    assert len(rides(during, 0) - found) > 0


@pytest.mark.parametrize("durability", Durability)
def test_a_service_that_starts_on_a_full_disk_is_as_good_as_one_whose_disk_became_full(
    tmp_path: Path, durability: Durability
) -> None:
    home, _ = home_with(tmp_path, 1, durability=durability)
    with running_service(home) as service:
        assert ask(service, 1).status == 200
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        # the child keeps the limit, this process does not
        service_of_no_room = running_service(home, "--no-access-log")
        service = service_of_no_room.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    try:
        assert ask(service, 2).status == (503 if durability is Durability.DURABLE else 200)
        free_disk(service)
        wait_for(lambda: ask(service, 3).status == 200, "an answer")
    finally:
        service_of_no_room.__exit__(None, None, None)


@pytest.mark.parametrize("durability", Durability)
def test_a_log_folder_that_is_none_is_like_a_full_disk(tmp_path: Path, durability: Durability) -> None:
    home, _ = home_with(tmp_path, 1, durability=durability)
    with running_service(home):
        pass
    shutil.rmtree(home.predictions)
    home.predictions.write_bytes(b"")
    with running_service(home) as service:
        assert ask(service, 1).status == (503 if durability is Durability.DURABLE else 200)
        wait_for(lambda: service.get("/readyz").json["log"] is not None, "the alarm")
        home.predictions.unlink()
        wait_for(lambda: ask(service, 2).status == 200, "an answer")
    assert "ride 2" in set(logged(home)["input.carrier"])


def test_hashes_can_be_compared_again_once_the_secret_of_the_log_can_be_made(tmp_path: Path) -> None:
    home, [champion] = home_with(tmp_path, 1)
    publish(home, champion, hashed=("carrier",))
    home.predictions.parent.mkdir(parents=True, exist_ok=True)
    home.predictions.write_bytes(b"")
    with running_service(home) as service:
        assert ask(service, 1).status == 503
        home.predictions.unlink()
        wait_for((home.predictions / ".salt").exists, "the secret")
        wait_for(lambda: ask(service, 2).status == 200, "an answer")
        assert ask(service, 3).status == 200
    settings = ServingSettings(hashed=("carrier",))
    hashes = private_columns(("carrier",), settings, ensure_salt(home.predictions))
    assert logged(home)["input.carrier"].iloc[-1] == hashes.apply(("ride 3",))[0]


FULL_OUTPUT = (
    "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); from millrace.cli.main import main; main()"
)


def test_an_access_log_that_cannot_be_written_stops_nothing_else(tmp_path: Path) -> None:
    home, _ = home_with(tmp_path, 1)
    with running_service(home, command=("-c", FULL_OUTPUT)) as service:
        assert ask(service, 1).status == 200
        # what is done each second goes on
        here = ("127.0.0.1", service.port)
        with socket.create_connection(here), socket.create_connection(here):
            wait_for(lambda: total(service, "millrace_connections") >= 2, "the connection")
        wait_for(lambda: total(service, "millrace_connections") < 2, "its end")
        assert {ask(service, number).status for number in range(20)} == {200}
        assert service.stop() == 0
