"""How fast a model goes stale is found by walking back in time."""

import pytest

from millrace.adapters.models import find_model
from millrace.domain.gate.code import Code
from millrace.domain.verdict import Outcome
from millrace.errors import ModelFileError
from tests.conftest import Home
from tests.steps.gate.judged_model import ask, judge

SECTION = """
[gate.staleness]
horizon = "14d"
max_decay = 0.5
steps = 2
rows = 700
max_data_age = "7d"
"""


def test_a_model_of_a_world_that_stays_is_as_good_when_it_is_old(fares: Home) -> None:
    ask(fares, SECTION)
    found = judge(fares, "staleness")
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("14 days old against fresh: MAE 0.")
    assert found.reason.endswith("needed at least -0.5")


def test_a_model_of_a_world_that_moves_is_caught(fares: Home) -> None:
    # a kilometre costs a little more every day
    source = fares.models / "fares" / "source.py"
    code = source.read_text("utf-8")
    price = '3.0 * rows["distance_km"] '
    assert price in code
    days = '(rows["at"] - pd.Timestamp("2013-01-01", tz="UTC")).dt.days'
    source.write_text(code.replace(price, f'(3.0 + 0.02 * {days}) * rows["distance_km"] '), "utf-8")
    ask(fares, SECTION)
    found = judge(fares, "staleness")
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith("14 days old against fresh: MAE ")


def test_too_little_history_says_what_is_missing(fares: Home) -> None:
    ask(fares, SECTION.replace("14d", "35d"))
    found = judge(fares, "staleness")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TOO_FEW)
    assert found.reason.endswith("14 needed; bring older rows, ask for a shorter horizon, or raise rows")


def test_rows_that_are_older_than_asked_are_caught(fares: Home) -> None:
    # of the newest weeks nothing is learned from
    fares.rewrite("fares", "share = 0.6", "share = 1.0")
    ask(fares, SECTION)
    found = judge(fares, "staleness")
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("the newest block it learned from is ")
    assert found.reason.endswith(" older than the newest that judges, needed at most 7 days")


def test_a_model_without_time_cannot_ask_for_it(home: Home) -> None:
    ask(home, SECTION, "progression")
    with pytest.raises(ModelFileError, match=r"gate\.staleness needs data\.time"):
        find_model(home.models, "progression")
