"""What does `millrace gate` show, and with which exit code?"""

import json
from pathlib import Path

import pytest

from millrace.adapters.models import load_source
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.site.reading import see


@pytest.fixture
def judged(fares: Home) -> Home:
    """`fares` with a champion and a version that was refused."""
    take_in("fares", NOON)
    retrain("fares", NOON)
    fares.learn_from("fares", "noise")
    retrain("fares", NOON, force=True)
    return fares


def digests(home: Home) -> tuple[str, str]:
    from millrace.domain.facts import ChallengerJudged

    first, second = (
        fact.digest for fact in home.facts("fares", ChallengerJudged) if isinstance(fact, ChallengerJudged)
    )
    return first, second


def test_the_decision_stands_first_and_the_exit_code_says_it_too(judged: Home, millrace: Command) -> None:
    first, second = digests(judged)
    passed, refused = millrace("gate", "fares"), millrace("gate", second[:9])
    assert (passed.returncode, refused.returncode) == (0, 3)
    assert passed.stdout.startswith(f"fares {first[:12]}: passed\n")
    lines = refused.stdout.splitlines()
    assert lines[0].startswith(f"fares {second[:12]}: refused by recent champion")
    assert lines[1].startswith("recent champion: MAE ")
    assert any(line.startswith("✘ recent champion: fail") for line in lines)
    assert any("at least 0" in line and "│" in line for line in lines)
    assert any(line.startswith("not asked for: ") for line in lines)


def test_it_is_written_as_json_and_as_a_page_for_others(
    judged: Home, millrace: Command, tmp_path: Path
) -> None:
    page = tmp_path / "out" / "gate.html"
    ran = millrace("gate", "fares", "--json", "--html", str(page))
    report = json.loads(ran.stdout)
    assert report["outcome"] == "pass"
    assert report["findings"][0]["bars"]
    assert see(page.read_text("utf-8")).text.startswith(f"fares {report['digest'][:12]}: passed")


def test_two_versions_are_compared_on_the_rows_of_a_file(
    judged: Home, millrace: Command, tmp_path: Path
) -> None:
    first, second = digests(judged)
    rows = tmp_path / "april.csv"
    load_source(judged.models, "fares").read_batch("2013-04").to_csv(rows, index=False)
    better = millrace("gate", "--compare", second, first, "--rows", str(rows))
    assert better.returncode == 0, better.stderr
    assert "nothing was recorded, and no look at the rows counted" in better.stdout
    assert "april.csv: 1,020 rows of 30 blocks, 2013-04-01 to 2013-04-30" in better.stdout
    worse = millrace("gate", "--compare", first, second, "--json")
    assert (worse.returncode, json.loads(worse.stdout)["is_recorded"]) == (3, False)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "name a version, or two with --compare"),
        (("fares", "--rows", "june.csv"), "--rows are what two versions are compared on"),
        (("fares", "--compare", "a", "b"), "--compare has its two versions; fares is a third"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(millrace: Command, asked: tuple[str, ...], said: str) -> None:
    ran = millrace("gate", *asked)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_a_version_that_is_not_there_is_an_error(millrace: Command) -> None:
    ran = millrace("gate", "nosuch")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "error: no version nosuch" in ran.stderr
