"""What does `millrace golden` say and write?"""

import json

from millrace.settings import load_settings
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in


def test_a_renewal_is_told_with_both_sets_and_shown_again_later(fares: Home, millrace: Command) -> None:
    take_in("fares", NOON)
    retrain("fares", NOON)
    shown = millrace("golden", "show", "fares")
    assert shown.stdout.splitlines() == [
        "fares golden set: share 0.4 of the blocks before 2013-03-01, generation 0",
        "looked at 1 of 50 times",
    ]
    renewed = millrace("golden", "renew", "fares", "--reason", "one look", "--until", "2013-04-01")
    lines = [line.split() for line in renewed.stdout.splitlines() if line.strip()]
    assert lines[0] == ["renewed", "after", "1", "look:", "one", "look"]
    assert [line[0] for line in lines if line[0] in {"old", "new"}] == ["old", "new"]
    assert "commit it" in renewed.stdout
    assert "generation = 1" in (load_settings().models / "fares" / "model.toml").read_text("utf-8")
    found = json.loads(millrace("golden", "show", "fares", "--json").stdout)
    assert (found["looks"], found["policy"]["generation"]) == (0, 1)
    assert found["renewals"][0]["losses"]["new"]["champion"] > 0.0
    told = millrace("history", "fares")
    assert "golden set renewed after 1 look, share 0.4" in told.stdout


def test_a_renewal_that_cannot_be_says_why_in_one_line(fares: Home, millrace: Command) -> None:
    refused = millrace("golden", "renew", "fares", "--reason", " ")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: a renewal of the golden set needs a reason")
    assert millrace("golden", "renew", "fares", "--reason", "x", "--share", "1.5").returncode == 2
