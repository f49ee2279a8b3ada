"""When is a champion too old, too slow, too faulty, or other than in training?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from millrace.domain.bundle import InputColumn
from millrace.domain.config import HealthSection
from millrace.domain.facts import Agreement
from millrace.domain.kinds import ColumnType
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.attempt import attempt, judged
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.health import judge_errors, judge_latency, judge_skew, judge_staleness
from millrace.domain.monitoring.skew import ComparedInputs, LeftOut, Skew, compare_inputs
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.monitoring.labelled import START, honest, rows_of

POLICY = HealthSection.model_validate(
    {
        "max_champion_age": "30d",
        "max_data_age": "60d",
        "max_p95_milliseconds": 10.0,
        "max_error_share": 0.01,
        "skew_rows": 1000,
        "max_skew_share": 0.02,
    }
)
ALPHA = 0.05
DAY = timedelta(days=1)
AGREED = Agreement(1_000, 0.0, 0)
SAME = ComparedInputs(1_000, 0, ())
COLUMNS = (
    InputColumn("distance_km", ColumnType.FLOAT, nullable=True),
    InputColumn("tariff", ColumnType.STRING, nullable=True, categorical=True),
)


def asked(rows: int, **changes: Any) -> AnsweredRows:
    return replace(rows_of(*honest(rows, 1)), **changes)


def test_a_champion_and_its_data_may_be_so_old() -> None:
    young = judge_staleness(START, START - 10 * DAY, POLICY, START + 30 * DAY)
    assert young == Verdict(
        Watched.STALENESS,
        Outcome.PASS,
        "the champion is 30 days old of 30 allowed, its newest data 40 days old of 60 allowed",
    )
    for since, data in ((START - DAY, START), (START, START - 31 * DAY)):
        assert judge_staleness(since, data, POLICY, START + 30 * DAY).outcome is Outcome.FAIL


def test_an_unknown_age_is_no_young_one_and_an_old_champion_fails_all_the_same() -> None:
    unknown = judge_staleness(START, "nobody knows", POLICY, START + DAY)
    assert unknown.outcome is Outcome.INCONCLUSIVE
    assert "its newest data of unknown age: nobody knows" in unknown.reason
    assert judge_staleness(START, "nobody knows", POLICY, START + 99 * DAY).outcome is Outcome.FAIL


def test_what_is_from_a_time_to_come_is_of_no_age() -> None:
    for since, data in ((START + DAY, START), (START, START + 900 * DAY)):
        found = judge_staleness(since, data, POLICY, START)
        assert found.outcome is Outcome.INCONCLUSIVE
        assert "days ahead: one clock is wrong" in found.reason
    a_little = START + timedelta(minutes=2)
    assert judge_staleness(a_little, a_little, POLICY, START).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("slow", "rows", "outcome"),
    [(0, 2_000, Outcome.PASS), (60, 2_000, Outcome.PASS), (100, 2_000, Outcome.INCONCLUSIVE),
     (300, 2_000, Outcome.FAIL), (0, 20, Outcome.INCONCLUSIVE), (0, 0, Outcome.INCONCLUSIVE)],
)  # fmt: skip
def test_the_time_that_clients_waited_is_judged_by_its_bounds(slow: int, rows: int, outcome: Outcome) -> None:
    latency = np.where(np.arange(rows) < slow, 50_000.0, 2_000.0)
    assert judge_latency(asked(rows, latency_us=latency), POLICY, ALPHA).outcome is outcome


def test_a_request_of_many_rows_waited_once_and_a_failure_has_no_time() -> None:
    rows = asked(2_000, latency_us=np.full(2_000, 50_000.0), is_first=np.arange(2_000) < 1)
    assert "1 of 1 requests slower than 10 ms" in judge_latency(rows, POLICY, ALPHA).reason
    failed = replace(rows, answers=np.full(2_000, np.nan))
    assert judge_latency(failed, POLICY, ALPHA).reason == "no request was answered"


@pytest.mark.parametrize(
    ("lost", "rows", "outcome"),
    [(0, 2_000, Outcome.PASS), (20, 2_000, Outcome.INCONCLUSIVE), (80, 2_000, Outcome.FAIL),
     (0, 10, Outcome.INCONCLUSIVE), (0, 0, Outcome.INCONCLUSIVE)],
)  # fmt: skip
def test_the_error_budget_is_judged_by_its_bounds(lost: int, rows: int, outcome: Outcome) -> None:
    answers = np.where(np.arange(rows) < lost, np.nan, 0.5)
    found = judge_errors(asked(rows, answers=answers), POLICY, ALPHA)
    assert found.outcome is outcome
    assert not rows or found.reason.startswith(f"{lost} of {rows} rows without an answer (")


def test_skew_passes_where_answers_and_inputs_are_those_of_training() -> None:
    found = judge_skew(Skew(AGREED, SAME, ()), POLICY, ALPHA)
    assert found.outcome is Outcome.PASS
    assert "0 of 1000 rows answered otherwise by the pipeline of training" in found.reason
    assert "0 of 1000 rows have other inputs in the dataset (" in found.reason


@pytest.mark.parametrize(
    "skew",
    [
        Skew(Agreement(1_000, 0.4, 300), SAME, ()),
        Skew(AGREED, ComparedInputs(1_000, 300, (("distance_km", 300),)), ()),
    ],
)
def test_other_answers_or_other_inputs_are_skew(skew: Skew) -> None:
    assert judge_skew(skew, POLICY, ALPHA).outcome is Outcome.FAIL


def test_what_could_not_be_compared_is_said_and_nothing_at_all_is_no_pass() -> None:
    half = judge_skew(Skew(AGREED, LeftOut("no data.key"), ()), POLICY, ALPHA)
    assert half.outcome is Outcome.PASS
    assert half.reason.endswith("inputs not compared: no data.key")
    none = judge_skew(Skew(LeftOut("hidden"), ComparedInputs(0, 0, ()), ("name",)), POLICY, ALPHA)
    assert none == Verdict(
        Watched.SKEW,
        Outcome.INCONCLUSIVE,
        "no answer was asked for again: hidden; no row of the log stands in the dataset; "
        "not in the log: name",
    )
    nobody = Skew(Agreement(0, 0.0, 0), LeftOut("x"), ())
    assert judge_skew(nobody, POLICY, ALPHA).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("broken", [Skew("OSError: gone", SAME, ()), Skew(AGREED, "OSError: gone", ())])
def test_where_one_half_of_the_comparison_broke_nothing_passes(broken: Skew) -> None:
    found = judge_skew(broken, POLICY, ALPHA)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "OSError: gone" in found.reason


def test_where_one_half_broke_the_other_fails_all_the_same() -> None:
    found = judge_skew(Skew("OSError: gone", ComparedInputs(1_000, 300, ()), ()), POLICY, ALPHA)
    assert found.outcome is Outcome.FAIL


def test_a_few_rows_never_show_that_there_is_no_skew() -> None:
    found = judge_skew(Skew(Agreement(5, 0.0, 0), LeftOut("no key"), ()), POLICY, ALPHA)
    assert found.outcome is Outcome.INCONCLUSIVE


def test_inputs_are_compared_as_a_pipeline_sees_them() -> None:
    logged = {"distance_km": [1.0, 2.0, None, 1e300, 5.0], "tariff": ["day", None, "day", "day", "night"]}
    known = {
        "distance_km": [1.0 + 1e-9, 2.0, float("nan"), None, 8.0],
        "tariff": ["day", None, "night", "day", "day"],
    }
    found = compare_inputs(logged, known, COLUMNS)
    assert found == ComparedInputs(5, 2, (("tariff", 2), ("distance_km", 1)))
    nothing = {"distance_km": [], "tariff": []}
    assert compare_inputs(nothing, nothing, COLUMNS) == ComparedInputs(0, 0, ())


def test_whatever_breaks_is_inconclusive_in_one_line() -> None:
    def breaks() -> Verdict:
        raise ValueError("first\n  second " + "x" * 500)

    found = judged(Watched.SKEW, breaks)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason.startswith("ValueError: first second xxx")
    assert len(found.reason) == 300
    assert attempt(lambda: 7) == 7
