"""What is ten times as slow or as large as the champion is caught; the same again passes."""

from typing import Any

import pytest

from millrace.adapters.scorer.footprint import NoFootprintError, measure_footprint
from millrace.domain.gate.code import Code
from millrace.domain.verdict import Outcome
from millrace.steps.gate import cost
from millrace.steps.gate.case import Case
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate
from tests.steps.gate.rides import ride_config, ride_rows


def case_of(estimator: str, champion: str | None, limits: dict[str, Any], **parameters: Any) -> Case:
    config = with_gate(ride_config(), cost=limits)
    training = config.training.model_copy(update={"estimator": estimator, "parameters": parameters})
    config = config.model_copy(update={"training": training})
    return make_case(config, split_frame(config, ride_rows()), champion=champion)


ALONE: dict[str, Any] = {
    "max_milliseconds_one": 1000.0,
    "max_milliseconds_thousand": 10_000.0,
    "max_megabytes": 50.0,
}
BESIDE: dict[str, Any] = {"max_size_ratio": 3.0, "max_memory_ratio": 3.0, "max_latency_ratio": 3.0}


def test_the_first_model_is_held_to_the_limits_of_its_own(fares: Home) -> None:
    found = judge_case(case_of("linear", None, ALONE), "cost")
    assert found.outcome is Outcome.PASS, found.reason
    only_beside = judge_case(case_of("linear", None, BESIDE), "cost")
    assert (only_beside.outcome, only_beside.code) == (Outcome.PASS, Code.NOT_ASKED)


def test_a_limit_that_is_surely_missed_fails(fares: Home) -> None:
    limits = {"max_milliseconds_one": 0.0001, "max_milliseconds_thousand": 0.0001, "max_megabytes": 0.0001}
    found = judge_case(case_of("linear", None, limits), "cost")
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert len(found.reason.split("; ")) == 3


def test_the_same_bundle_as_the_champion_costs_the_same(fares: Home) -> None:
    champion = case_of("linear", None, ALONE).trained.digest
    found = judge_case(case_of("linear", champion, BESIDE), "cost")
    assert found.outcome is Outcome.PASS, found.reason


def test_a_bundle_that_is_many_times_as_slow_and_as_large_fails(fares: Home) -> None:
    champion = case_of("linear", None, ALONE).trained.digest
    large = case_of("random_forest", champion, BESIDE, n_estimators=200, max_leaf_nodes=500)
    found = judge_case(large, "cost")
    assert found.outcome is Outcome.FAIL
    parts = (part.split(": ") for part in found.reason.split("; "))
    ratios = {name: float(told.split(" times the champion")[0]) for name, told in parts}
    assert ratios["1,000 rows"] > 3.0
    assert ratios["on disk"] > 3.0


def test_memory_is_what_a_fresh_process_needs_for_the_bundle(fares: Home) -> None:
    case = case_of("linear", None, {"max_memory_megabytes": 1000.0})
    found = judge_case(case, "cost")
    assert found.outcome is Outcome.PASS, found.reason
    none_is_enough = case_of("linear", None, {"max_memory_megabytes": 0.001})
    assert judge_case(none_is_enough, "cost").outcome is Outcome.FAIL


def test_a_process_that_does_not_end_in_time_decides_nothing(
    fares: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "MEMORY_TIMEOUT_SECONDS", 0.001)
    found = judge_case(case_of("linear", None, {"max_memory_megabytes": 1000.0}), "cost")
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TIMEOUT)
    assert found.reason == "it took longer than 0.001 s"


def test_a_process_that_cannot_open_the_bundle_says_why(fares: Home) -> None:
    folder = fares.path / "nothing"
    folder.mkdir()
    with pytest.raises(NoFootprintError, match=r"a process that opened nothing ended with: .*the manifest"):
        measure_footprint(folder, {}, 60.0)
