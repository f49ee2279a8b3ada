"""`millrace rollback --offline` with nothing else up, and `millrace reconcile` the day after."""

import json
import socket

import pytest

from millrace.cli.reconcile import reconcile
from millrace.cli.rollback import rollback
from millrace.cli.status import status
from millrace.settings import load_settings
from millrace.steps.stores import catalogue
from tests import loop
from tests.cli.conftest import Command
from tests.conftest import NOON, Home


@pytest.fixture
def down() -> dict[str, str]:
    """Addresses of a ledger, a catalogue and a Prefect where nobody answers."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return {
        "MILLRACE_LEDGER_URL": f"postgresql://ada@127.0.0.1:{port}/ledger",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }


@pytest.fixture
def two_champions(fares: Home) -> Home:
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON, in_catalogue=True)
    fares.learn_from("fares", "distance_km", "tariff")
    loop.retrain("fares", NOON, force=True, in_catalogue=True)
    return fares


def test_with_all_else_down_it_goes_back_and_reconcile_enters_it(
    two_champions: Home, millrace: Command, down: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = two_champions.serving("fares")
    withdrawn, target = str(before.champion)[:12], str(before.previous)[:12]
    refused = millrace("rollback", "fares", "--reason", "answers 1.0", **down)
    assert (refused.returncode, "the ledger at postgresql://" in refused.stderr) == (1, True)
    done = millrace("rollback", "fares", "--reason", "answers 1.0", "--offline", MILLRACE_ACTOR="ada", **down)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"fares: {withdrawn} withdrawn, {target} answers again in the channel",
        "the ledger does not know of it, and nobody was told; `millrace reconcile fares` enters it",
    ]
    assert two_champions.serving("fares") == before
    status("fares")
    waits = f"fares: an offline rollback by ada to {target} waits to be entered"
    assert f"{waits}: run `millrace reconcile fares`" in capsys.readouterr().out

    reconcile("fares")
    assert capsys.readouterr().out.splitlines() == [
        f"fares: pointer repaired, it was: an offline rollback by ada to {target}, now adopted",
        "fares: alias repaired, it was: alias champion was version 2",
    ]
    assert two_champions.serving("fares").champion == before.previous
    assert catalogue().alias("fares", "champion") == 1


def test_what_machines_are_told_says_that_the_ledger_does_not_know(
    two_champions: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    rollback("fares", reason="answers 1.0", offline=True, json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["digest"], said["in_ledger"]) == (two_champions.serving("fares").previous, False)
    assert "`millrace reconcile fares` enters it" in said["next"]


def test_no_ledger_is_made_where_there_was_none(home: Home, millrace: Command) -> None:
    refused = millrace("rollback", "fares", "--reason", "answers 1.0", "--offline")
    assert (refused.returncode, "has no pointer of 'fares'" in refused.stderr) == (1, True)
    assert list(load_settings().var.glob("ledger*")) == []
