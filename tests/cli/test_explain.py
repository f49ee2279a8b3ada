"""`millrace explain`, as a script sees it: what it says, and how it ends."""

import json
from pathlib import Path

import pytest

from millrace.adapters.models import change_section
from millrace.domain.explanation.truth import Truth
from millrace.steps.explaining.beside import (
    NOT_AGAIN,
    NOT_LOGGED,
    NoSuchAnswerError,
    explain_answer_beside,
    explain_model_beside,
)
from millrace.steps.explaining.kept import find_explanation
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.explained import HOUR, MODEL, RIDE, answer_to, copy_crowned, log_rides, make_crowned, tell_fare


@pytest.fixture(scope="session")
def crowned_template(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Path:
    root = tmp_path_factory.mktemp("crowned")
    make_crowned(root, catalogue_template)
    return root


@pytest.fixture
def crowned(crowned_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """`fares` has a champion that learned from all columns."""
    return copy_crowned(crowned_template, tmp_path, monkeypatch)


@pytest.fixture
def home(crowned: Home) -> Home:
    """The command works on it too."""
    return crowned


@pytest.fixture
def champion(crowned: Home) -> str:
    return str(crowned.serving(MODEL).champion)


def test_a_version_as_a_whole_is_told_and_kept_for_its_page(champion: str, millrace: Command) -> None:
    done = millrace("explain", MODEL, "--rows", "600")
    assert (done.returncode, done.stderr) == (0, "")
    assert "It answers by distance_km, then " in done.stdout
    assert "whether noise matters is not sure" in done.stdout
    assert "distance_km   rises from " in done.stdout
    assert "o weak spot: none of " in done.stdout
    again = millrace("explain", MODEL, "--version", champion[:12], "--rows", "600", "--json")
    found, kept = json.loads(again.stdout), find_explanation(champion)
    assert kept is not None
    assert (found["digest"], found["rows"], kept.rows) == (champion, 600, 600)
    # beside this process, and over all rows
    assert explain_model_beside(MODEL, champion).rows > 600


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rows", "-5"), "--rows -5 came, needed are 20 or more"),
        (("--rows", "0"), "--rows 0 came"),
        (("--rows", "1"), "--rows 1 came"),
        (("--row", "3"), "--row is a row of a request"),
        (("--request", "x", "--version", "zzz"), "--version and --rows are for a model as a whole"),
        (("--request", "x", "--rows", "50"), "--version and --rows are for a model as a whole"),
    ],
)
def test_what_would_be_passed_over_or_says_nothing_is_wrong_usage(
    champion: str, millrace: Command, given: tuple[str, ...], told: str
) -> None:
    done = millrace("explain", MODEL, *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {told}")
    assert find_explanation(champion) is None


def test_a_model_without_a_champion_is_an_error(champion: str, millrace: Command) -> None:
    done = millrace("explain", "progression")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: progression: found no champion")
    assert millrace("explain", "fare").returncode == 1


def test_one_answer_is_told_and_one_that_was_never_logged_ends_with_7(
    champion: str, millrace: Command
) -> None:
    log_rides(champion, [RIDE, RIDE | {"luggage": 0}])
    done = millrace("explain", MODEL, "--request", "r1", "--row", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "request r1, row 1 of 2" in done.stdout
    assert "answers the same" in done.stdout
    assert "not there yet; by data.label_delay it is expected by 2013-04-01 13:01 UTC." in done.stdout
    tell_fare("r1", 1, 90.0)
    fare = answer_to(champion, RIDE | {"luggage": 0})
    paid = millrace("explain", MODEL, "--request", "r1", "--row", "1").stdout
    assert f"The truth was 90, told 2013-04-01 13:00 UTC: the answer was {fare - 90.0:.6g} too high." in paid
    assert json.loads(millrace("explain", MODEL, "--request=r1", "--row=1", "--json").stdout)["truth"] == {
        "at": "2013-04-01T13:00:00+00:00", "label": 90.0
    }  # fmt: skip
    assert explain_answer_beside(MODEL, "r1", 1).truth == Truth(90.0, NOON + HOUR)
    told = json.loads(millrace("explain", MODEL, "--request=r1", "--json").stdout)
    assert told["truth"] is None
    assert told["again"]["inputs"] == told["inputs"]
    for asked in (("--request", "r2"), ("--request", "r1", "--row", "2")):
        missed = millrace("explain", MODEL, *asked)
        assert (missed.returncode, missed.stdout) == (NOT_LOGGED, "")
        assert missed.stderr.startswith("error: fares: no such answer is logged: found no ")
    assert explain_answer_beside(MODEL, "r1", 1).row == 1
    with pytest.raises(NoSuchAnswerError, match=r"^fares: no such answer is logged: found no request '-r2'"):
        explain_answer_beside(MODEL, "-r2", 0)


def test_an_answer_that_is_another_one_today_ends_with_6(champion: str, millrace: Command) -> None:
    log_rides(champion, [RIDE], answers=[12.0])
    done = millrace("explain", MODEL, "--request", "r1")
    assert done.returncode == NOT_AGAIN
    assert "NOT THE SAME" in done.stdout
    assert explain_answer_beside(MODEL, "r1", 0).is_same is False


def test_an_answer_whose_inputs_are_hashed_is_placed_and_nothing_more(
    home: Home, champion: str, millrace: Command
) -> None:
    change_section(home.models, MODEL, "serving", {"durability": "fast", "hash": ["tariff"]})
    log_rides(champion, [RIDE | {"tariff": "9f86d081884c7d659a2feaa0c55ad015"}], answers=[119.0])
    done = millrace("explain", MODEL, "--request", "r1")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "It cannot be asked again: serving.hash and serving.leave_out keep tariff from the log."
        in done.stdout
    )
    assert "9f86d081" not in done.stdout
