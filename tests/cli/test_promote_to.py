"""The real command in two installations: staging offers, production takes it in and says where it is from."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from millrace.cli.promote_to import promote_to
from millrace.cli.reconcile import reconcile
from millrace.cli.why import why
from tests import loop
from tests.cli.conftest import COMMAND
from tests.conftest import NOON, Home

REASON = "two weeks without a complaint"
Verb = Callable[..., CompletedProcess[str]]


@pytest.fixture
def staging(fares: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation with a champion."""
    monkeypatch.setenv("MILLRACE_ACTOR", "ann")
    loop.take_in("fares", NOON)
    loop.retrain("fares", NOON)
    return fares


@pytest.fixture
def production(staging: Home, tmp_path: Path, catalogue_template: Path) -> Home:
    """Another one, made by `millrace init`, that knows the model and trusts staging."""
    home = Home.make(tmp_path / "production", catalogue_template)
    home.add_model("fares")
    assert run_in(home)("init").returncode == 0
    trusted = home.path / "var" / "keys" / "trusted"
    trusted.mkdir()
    shutil.copyfile(staging.path / "var" / "keys" / "signing.pub", trusted / "staging.pub")
    return home


def run_in(home: Home) -> Verb:
    """Return how `millrace ...` is run in an installation."""
    environment = {"MILLRACE_HOME": str(home.path), "MILLRACE_MODELS": str(home.models)}
    return lambda *arguments: subprocess.run(
        [COMMAND, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_staging_offers_and_production_takes_it_in_and_says_where_it_is_from(
    staging: Home, production: Home
) -> None:
    digest = str(staging.serving("fares").champion)
    channel = str(production.path / "var" / "channel")
    arguments = ("promote-to", channel, "fares", "--reason", REASON)
    done = run_in(staging)(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    first, gate, course, *_rest = done.stdout.splitlines()
    assert first == f"fares: {digest[:12]} is offered to {channel}: {REASON}"
    assert gate.split()[:2] == ["gate", "pass:"]
    assert f"ann  {digest[:12]} promoted to generation 1" in course
    assert run_in(staging)(*arguments).stdout.splitlines()[0].endswith(f" UTC: {REASON}")

    taken = run_in(production)("reconcile", "fares")
    assert (taken.returncode, taken.stderr) == (0, "")
    words = f"fares: challenger {digest[:12]} received, offered by ann of staging: {REASON}"
    assert words in taken.stdout.splitlines()
    told = run_in(production)("why", digest[:8]).stdout
    assert f"offered      by ann of staging: {REASON}" in told
    assert f"gate there   {gate.split(maxsplit=1)[1]}" in told
    assert "(with staging)" in told
    assert "challenger " + digest[:12] + " received" in run_in(production)("history", "fares").stdout


def test_a_key_that_is_not_trusted_is_one_line_and_exit_code_1(staging: Home, production: Home) -> None:
    (production.path / "var" / "keys" / "trusted" / "staging.pub").unlink()
    run_in(staging)("promote-to", str(production.path / "var" / "channel"), "fares", "--reason", REASON)
    refused = run_in(production)("reconcile", "fares")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith("error: fares: not every offer was taken.")
    assert "no key that is trusted here has signed it" in line


def test_what_machines_are_told_is_the_offer_and_what_was_received(
    staging: Home, production: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    promote_to(str(production.path / "var" / "channel"), "fares", reason=REASON, json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["is_new"], said["offer"]["judged"]["outcome"]) == (True, "pass")
    production.enter(monkeypatch)
    reconcile("fares", json=True)
    [one] = json.loads(capsys.readouterr().out)
    assert one["received"][0]["digest"] == said["offer"]["digest"]
    why(said["offer"]["digest"], json=True)
    assert json.loads(capsys.readouterr().out)["received"]["origin"] == "staging"
