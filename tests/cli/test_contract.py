"""What `millrace contract` tells people and machines, and by which exit code."""

import json
import tomllib

import pytest

from millrace.adapters.models import find_model
from millrace.cli import contract
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.loop import take_in


@pytest.fixture
def accepted(fares: Home) -> Home:
    take_in("fares", NOON)
    return fares


def test_what_is_proposed_is_toml_with_its_reasons(
    accepted: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (accepted.models / "fares" / "model.toml").read_bytes()
    contract.propose("fares")
    out = capsys.readouterr().out
    assert {*tomllib.loads(out)["contract"]["columns"]} == {
        *find_model(accepted.models, "fares").contract.columns
    }
    assert "# half of the smallest of 3 batches" in out
    assert (accepted.models / "fares" / "model.toml").read_bytes() == before


def test_exit_codes_say_whether_they_differ(accepted: Home, millrace: Command) -> None:
    differs = millrace("contract", "diff", "fares", "--json")
    assert differs.returncode == 3
    assert "looser" in {one["direction"] for one in json.loads(differs.stdout)["differences"]}
    written = millrace("contract", "propose", "fares", "--write", "--looser")
    assert written.returncode == 0
    assert "next: millrace contract accept fares --reason ..." in written.stdout
    same = millrace("contract", "diff", "fares")
    assert (same.returncode, same.stdout.splitlines()[0][:27]) == (0, "fares: the contract is what")
    taken = millrace("contract", "accept", "fares", "--reason", "as it is now")
    assert "accepted" in taken.stdout
    again = millrace("contract", "accept", "fares", "--reason", "as it is now")
    assert "is the recorded one, nothing to accept" in again.stdout


def test_before_the_first_batch_the_error_says_what_to_do(fares: Home, millrace: Command) -> None:
    assert fares
    found = millrace("contract", "diff", "fares")
    assert (found.returncode, found.stdout) == (1, "")
    assert (
        found.stderr == "error: fares: no batch was accepted yet. `millrace ingest fares` takes batches in\n"
    )


def test_only_what_is_tighter_needs_no_acceptance(accepted: Home, capsys: pytest.CaptureFixture[str]) -> None:
    accepted.rewrite("fares", "min_rows = 500", "min_rows = 1")
    contract.propose("fares", write=True)
    out = capsys.readouterr().out
    assert "written to model.toml" in out
    assert "left as it is (--looser writes what may be written)" in out
    assert "next:" not in out
