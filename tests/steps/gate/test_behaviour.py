"""The tests in a model's folder are asked of the challenger, and the same ones of the champion."""

import subprocess
import sys

import pytest

from millrace.checks import (
    NoVersionError,
    ask,
    assert_finds,
    assert_rises,
    assert_same,
    has_version,
    usual_row,
)
from millrace.domain.facts import ChallengerJudged
from millrace.domain.gate.code import Code
from millrace.domain.proposal import card
from millrace.domain.verdict import Outcome, Verdict
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.gate.judged_model import ask as ask_for
from tests.steps.gate.judged_model import judge

SECTION = '[gate.behaviour]\ntimeout = "1m"\n'

KNOWN = '''
"""What is known of a ride."""

import pytest

from millrace.checks import assert_falls, assert_finds, assert_rises, assert_same, has_version, usual_row

if not has_version("fares"):
    pytest.skip("no version yet", allow_module_level=True)


def test_a_longer_ride_costs_more():
    assert_rises("fares", usual_row("fares"), "distance_km", [1.0, 5.0, 20.0])


def test_a_night_ride_is_dear():
    assert_finds("fares", usual_row("fares", distance_km=10.0, tariff="night", luggage=1), 58.0, 2.0)
'''


def write_tests(home: Home, code: str) -> None:
    folder = home.models / "fares" / "tests"
    folder.mkdir(exist_ok=True)
    (folder / "test_known.py").write_text(code, "utf-8")


def behaviour(home: Home, code: str | None, section: str = SECTION) -> Verdict:
    if code is not None:
        write_tests(home, code)
    ask_for(home, section)
    return judge(home, "behaviour")


def test_the_first_challenger_is_asked_before_there_is_a_champion(fares: Home) -> None:
    found = behaviour(fares, KNOWN)
    assert (found.outcome, found.reason) == (Outcome.PASS, "all 2 tests passed")


def test_a_challenger_that_does_not_do_what_is_known_is_refused(fares: Home) -> None:
    take_in("fares", NOON)
    write_tests(fares, KNOWN)
    ask_for(fares, SECTION)
    fares.learn_from("fares", "distance_km", "tariff", "luggage")
    retrain("fares", NOON)
    assert fares.serving("fares").champion is not None
    fares.learn_from("fares", "distance_km", "luggage")
    judged = retrain("fares", NOON, force=True).judged
    assert isinstance(judged, ChallengerJudged)
    [found] = [one for one in judged.verdicts if one.rule == "behaviour"]
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith(
        "1 of 2 tests failed: test_known::test_a_night_ride_is_dear (fares answers 4"
    )
    # and the same file, run by hand, asks the champion, which knows the tariff
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(fares.models / "fares" / "tests"),
    ]
    by_hand = subprocess.run(tests, capture_output=True, text=True, check=False)
    assert "2 passed" in by_hand.stdout


def test_the_tests_that_new_writes_are_asked_of_the_challenger_but_for_the_inbox(fares: Home) -> None:
    found = behaviour(fares, card.test_file("fares"))
    assert (found.outcome, found.reason) == (Outcome.PASS, "all 2 tests passed, 1 skipped")


@pytest.mark.parametrize(
    ("code", "outcome", "kind", "reason"),
    [
        (None, Outcome.INCONCLUSIVE, Code.ABSENT, "there is no folder models/fares/tests"),
        ("x = 1", Outcome.INCONCLUSIVE, Code.EMPTY, "0 tests were asked, 1 needed"),
        ("import nothing_there", Outcome.INCONCLUSIVE, Code.ERROR, "1 tests could not be asked, 0 passed: "),
        ("def test_it(): raise SystemExit(0)", Outcome.FAIL, Code.MISSED, "1 of 1 tests failed: "),
        (
            "import os\ndef test_it(): os._exit(0)",
            Outcome.INCONCLUSIVE,
            Code.ERROR,
            "NoReportError: pytest ended with 0 and left no report on ",
        ),
        (
            "import pytest\n@pytest.mark.skip\ndef test_it(): pass",
            Outcome.INCONCLUSIVE,
            Code.TOO_FEW,
            "0 tests were asked, 1 skipped, 1 needed",
        ),
    ],
)
def test_what_tells_nothing_is_no_pass(
    fares: Home, code: str | None, outcome: Outcome, kind: Code, reason: str
) -> None:
    found = behaviour(fares, code)
    assert (found.outcome, found.code) == (outcome, kind), found.reason
    assert found.reason.startswith(reason)
    assert fares.serving("fares").champion is None


def test_what_takes_too_long_is_no_pass(fares: Home) -> None:
    section = SECTION.replace("1m", "2s")
    found = behaviour(fares, "import time\ndef test_it(): time.sleep(600)", section)
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TIMEOUT)
    assert found.reason == "it took longer than 2 s"


def test_checks_say_what_was_found_and_what_was_needed(fares: Home) -> None:
    assert not has_version("fares")
    with pytest.raises(NoVersionError, match="fares has no version to ask yet: train one"):
        usual_row("fares")
    take_in("fares", NOON)
    fares.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON)
    row = usual_row("fares", distance_km=10.0)
    assert has_version("fares")
    assert ask("fares", [row, row | {"tariff": "night"}]).shape == (2,)
    assert_rises("fares", row, "distance_km", [1.0, 2.0])
    assert_same("fares", row, "tariff", ["day", "day"])
    with pytest.raises(
        AssertionError, match=r"fares answers .* with distance_km = 2.0 and .* with 1.0: it was to rise"
    ):
        assert_rises("fares", row, "distance_km", [2.0, 1.0])
    with pytest.raises(
        AssertionError, match=r"tariff = 'day' and .* with 'night': the same was needed, within 1e-06"
    ):
        assert_same("fares", row, "tariff", ["day", "night"])
    with pytest.raises(
        AssertionError, match=r"fares answers .*: 0 was needed, within 1. The row is {'distance_km'"
    ):
        assert_finds("fares", row, 0, 1)
