"""What `millrace log` tells people and machines, and what `millrace log compact` leaves."""

import json

import pytest

from millrace.adapters import clock
from millrace.cli import log
from millrace.errors import UnknownModelError
from millrace.settings import load_settings
from millrace.steps.prediction_log import is_log_waiting
from tests.conftest import Home
from tests.logged import AT, answered, by_request, labelled, shadowed, write_log

SERVING = """
[serving]
durability = "fast"
retention = "1d"
"""


@pytest.fixture
def answering(fares: Home) -> Home:
    """An installation whose services answered two rows a minute ago, and one two days ago."""
    ago = (clock.now() - AT).total_seconds() - 60
    now = [answered("r1", "r2", seconds=ago), shadowed("r1", None, seconds=ago)]
    labels = labelled(by_request("r1", "12.5"), by_request("r9", "3"), seconds=ago + 1)
    folder = load_settings().predictions
    write_log(folder, *now, labels)
    write_log(folder, answered("r0", seconds=ago - 2 * 86_400), instance="two")
    return fares


def test_log_shows_who_answered_and_what_became_of_the_labels(
    answering: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    log.show("fares")
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[2] == ["aaaaaaaaaaaa", "answer", "3", "2", "0", "1", "0.14"]
    assert lines[3] == ["bbbbbbbbbbbb", "shadow", "3", "1", "1", "0", "0.09"]
    log.show("fares", json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["labelled"], found["unknown_labels"]) == (2, 1, 1)
    assert [one["rows"] for one in found["versions"]] == [2, 1]
    with pytest.raises(UnknownModelError, match="did you mean 'fares'"):
        log.show("fare")


def test_log_compact_takes_in_what_is_closed_and_forgets_what_is_too_old(
    answering: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    file = answering.models / "fares" / "model.toml"
    assert is_log_waiting(clock.now())
    log.compact()
    assert capsys.readouterr().out.strip() == "2 segments, 6 rows compacted; 0 expired files removed"
    assert not is_log_waiting(clock.now())
    file.write_text(file.read_text() + SERVING)
    assert is_log_waiting(clock.now())
    log.compact(json=True)
    assert json.loads(capsys.readouterr().out)["expired"] == 1
    log.show("fares", json=True)
    assert json.loads(capsys.readouterr().out)["rows"] == 2
