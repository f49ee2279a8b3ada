"""A rollback by its command reaches the services with everything else down, and outlives a restart."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from millrace.adapters import clock
from millrace.domain.facts import ChampionRolledBack
from millrace.settings import PROJECT_ROOT
from millrace.steps.reconcile import reconcile_model
from millrace.steps.stores import ledger
from tests.serving.crowning import enter_installation, promote
from tests.serving.service import free_port, running_service, wait_for
from tests.serving.talking import connected
from tests.serving.under_load import MODEL, ask, edition, request, told, wait_for_generation

GENEROUS_SECONDS = 5.0
"""What a busy machine may make of the second that it is to take."""
EVERYTHING_ELSE_DOWN = ("MLFLOW_TRACKING_URI", "PREFECT_API_URL")


@dataclass
class Asking:
    """Asks one request after the other, and keeps when it was sent and which digest answered."""

    port: int
    heard: list[tuple[float, str]] = field(default_factory=list)

    async def until(self, is_over: Callable[[], bool]) -> None:
        async with connected(self.port) as connection:
            while not is_over():
                sent = time.time()
                reply = await connection.ask(request(1))
                assert reply is not None
                assert reply.status == 200
                self.heard.append((sent, reply.json["digest"]))


def start_rollback(*flags: str) -> "subprocess.Popen[str]":
    dead = {name: f"http://127.0.0.1:{free_port()}/api" for name in EVERYTHING_ELSE_DOWN}
    command = [sys.executable, "-m", "millrace", "rollback", MODEL, "--reason", "B overcharges", *flags]
    return subprocess.Popen(
        command,
        cwd=PROJECT_ROOT,
        env={**os.environ, **dead},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_rollback_with_prefect_and_mlflow_down_is_heard_at_once_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    flights = enter_installation(tmp_path, monkeypatch)
    first, second = (flights.add(MODEL, edition(number)) for number in (1, 2))
    promote(first)
    promote(second)
    with running_service(flights) as service:
        wait_for_generation(service, 2)
        command, asking = start_rollback(), Asking(service.port)
        asyncio.run(asking.until(lambda: asking.heard[-1:] != [] and asking.heard[-1][1] == first))
        asyncio.run(asking.until(lambda: command.poll() is not None))
    entry = ledger().last(MODEL, ChampionRolledBack)
    assert entry is not None
    last_of_old = max(sent for sent, digest in asking.heard if digest == second)
    first_of_new = min(sent for sent, digest in asking.heard if digest == first)
    assert last_of_old < first_of_new
    taken = last_of_old - entry.at.timestamp()
    record_property("seconds_after_the_commit", round(taken, 3))
    assert taken < GENEROUS_SECONDS
    said, complained = command.communicate()
    assert command.returncode == 0, complained
    assert "answers again" in said
    assert "the alias in the catalogue is to follow by `millrace reconcile`" in complained

    for channel_is_there in (True, False):
        if not channel_is_there:
            shutil.move(flights.channel, flights.channel.with_name("gone"))
        with running_service(flights) as service:
            answer = ask(service, 1)
            assert (answer.status, answer.json["digest"], answer.json["generation"]) == (200, first, 3)
            assert channel_is_there or wait_for(lambda: told(service)["trouble"], "the trouble")


def test_an_offline_rollback_with_the_ledger_gone_is_followed_and_entered_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue_template: Path
) -> None:
    flights = enter_installation(tmp_path, monkeypatch)
    shutil.copyfile(catalogue_template, flights.path / "var" / "catalogue.sqlite")
    first, second = (flights.add(MODEL, edition(number)) for number in (1, 2))
    promote(first)
    promote(second)
    ledger().close()
    files, safe = list((flights.path / "var").glob("ledger.sqlite*")), tmp_path / "safe"
    safe.mkdir()
    for file in files:
        file.rename(safe / file.name)
    with running_service(flights) as service:
        wait_for_generation(service, 2)
        command = start_rollback("--offline")
        said, complained = command.communicate()
        assert command.returncode == 0, complained
        assert "the ledger does not know of it" in said
        wait_for_generation(service, 3)
        assert ask(service, 1).json["digest"] == first
        assert list((flights.path / "var").glob("ledger.sqlite*")) == []

        for file in files:
            (safe / file.name).rename(file)
        [repaired] = reconcile_model(MODEL, "by hand", clock.now()).repaired
        assert repaired.found.endswith(f"to {first[:12]}, now adopted")
        wait_for_generation(service, 4)
        assert told(service)["trouble"] is None
        answer = ask(service, 1)
        assert (answer.json["digest"], ledger().serving(MODEL).champion) == (first, first)
