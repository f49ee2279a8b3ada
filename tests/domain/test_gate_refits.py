"""What do the rules about refits find in cases with an obvious answer?"""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from millrace.domain.config import ReproducibilityPolicy, Rule, StabilityPolicy, StalenessPolicy
from millrace.domain.facts import Reproduction
from millrace.domain.gate.code import Code
from millrace.domain.gate.finding import Finding
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.measurement import Measurement
from millrace.domain.gate.stability import answer_spread, loss_spread
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.gate_cases.good import stability, staleness, trained_again
from tests.domain.judged import GOOD, POLICY, off_by

SURE = 0.95


def judged(rule: Rule, found: Measurement, looks: int = 0) -> Verdict:
    recent = off_by(1.0, looks=looks)
    return judge_rule(rule, replace(GOOD, recent=recent, measured={rule: found}), POLICY)


def test_the_curve_is_told_from_the_horizon_to_the_youngest() -> None:
    found = judged(Rule.STALENESS, staleness(GOOD.recent, 0.0, 0.25, 0.5))
    assert isinstance(found, Finding)
    assert [(bar.name, bar.value, bar.limit) for bar in found.bars] == [
        ("more lost when 28 days old", pytest.approx(0.5), 0.75),
        ("more lost when 14 days old", pytest.approx(0.25), 0.75),
    ]


def test_only_the_age_at_the_horizon_decides() -> None:
    found = judged(Rule.STALENESS, staleness(GOOD.recent, 0.0, 9.0, 0.5))
    assert found.outcome is Outcome.PASS


def test_rows_that_are_too_old_fail_however_little_the_model_ages() -> None:
    found = judged(Rule.STALENESS, staleness(GOOD.recent, 0.0, 0.0, data_days=7.5))
    assert (found.outcome, found.reason) == (
        Outcome.FAIL,
        "the newest block it learned from is 7.5 days older than the newest that judges, "
        "needed at most 7 days",
    )


def test_a_second_look_asks_for_more_confidence_about_age_and_not_about_luck() -> None:
    aged = staleness(GOOD.recent, 0.0, 0.5)
    assert "(97.5 % " in judged(Rule.STALENESS, aged).reason
    assert "(99.17 % " in judged(Rule.STALENESS, aged, looks=1).reason
    luck = GOOD.measured[Rule.STABILITY]
    assert isinstance(luck, Measurement)
    assert judged(Rule.STABILITY, luck) == judged(Rule.STABILITY, luck, looks=5)


def test_what_may_be_within_and_may_not_is_undecided() -> None:
    *younger, oldest = staleness(GOOD.recent, 0.0, 0.25, 0.5).ages
    uneven = np.where(GOOD.recent.block_positions % 2 == 0, 0.5, 0.9)
    aged = replace(oldest, answers=GOOD.recent.labels + 1.0 + uneven)
    for rule, found in (
        (Rule.STALENESS, replace(staleness(GOOD.recent), ages=(*younger, aged))),
        (Rule.STABILITY, stability(GOOD.recent, 0.3)),
    ):
        verdict = judged(rule, found)
        assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.UNSURE), verdict.reason


@given(st.integers(3, 9), st.integers(1, 60), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_share_of_decisions_that_differ_is_that_of_all_pairs(refits: int, rows: int, seed: int) -> None:
    answers = np.random.default_rng(seed).random((refits, rows))
    decided = answers >= 0.3
    pairs = [np.mean(decided[a] != decided[b]) for a in range(refits) for b in range(a)]
    found = answer_spread(answers, Task.BINARY, 0.3, SURE)
    assert found.value == pytest.approx(np.mean(pairs))
    assert 0.0 <= found.lower <= found.value <= found.upper


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12), st.floats(0.1, 10.0))
@settings(max_examples=60, deadline=None)
def test_a_spread_is_in_the_units_of_what_is_spread(losses: list[float], scale: float) -> None:
    found = loss_spread(np.array(losses), SURE)
    scaled = loss_spread(np.array(losses) * scale, SURE)
    assert found.lower <= found.value <= found.upper
    assert scaled.upper == pytest.approx(found.upper * scale, abs=1e-6)


def test_the_bounds_hold_the_true_deviation_as_often_as_they_say() -> None:
    source = np.random.default_rng(3)
    found = [loss_spread(source.normal(0.0, 2.0, 6), SURE) for _ in range(2_000)]
    above = sum(one.upper < 2.0 for one in found)
    below = sum(one.lower > 2.0 for one in found)
    assert 70 <= above <= 130
    assert 70 <= below <= 130


def test_the_jackknife_holds_the_true_churn_about_as_often_as_it_says() -> None:
    source = np.random.default_rng(4)
    # whole refits lean to one side, so that the doubt is about them and not about the rows
    found = [
        answer_spread(
            source.normal(size=(8, 40)) + source.normal(size=(8, 1)), Task.BINARY, math.sqrt(2.0), SURE
        )
        for _ in range(500)
    ]
    positive = stats.norm.sf(1.0)
    churn = 2.0 * positive * (1.0 - positive)
    assert np.mean([one.value for one in found]) == pytest.approx(churn, abs=0.02)
    assert sum(one.upper < churn for one in found) <= 0.10 * len(found)
    assert sum(one.lower > churn for one in found) <= 0.10 * len(found)


def test_refits_that_all_agree_have_no_spread() -> None:
    answers = np.tile(np.array([[0.2, 0.7, 0.1]]), (5, 4, 1))
    found = answer_spread(answers, Task.MULTICLASS, 0.5, SURE)
    assert (found.value, found.lower, found.upper) == (0.0, 0.0, 0.0)
    assert loss_spread(np.ones(5), SURE).upper == 0.0


def test_of_several_classes_the_likeliest_is_the_decision() -> None:
    one, other = [[0.5, 0.3, 0.2]], [[0.3, 0.5, 0.2]]
    found = answer_spread(np.array([one, one, other]), Task.MULTICLASS, 0.5, SURE)
    assert found.value == pytest.approx(2.0 / 3.0)


def test_answers_that_are_near_pass_only_where_they_are_enough() -> None:
    differs = replace(
        trained_again(GOOD.recent),
        found="6" * 64,
        result=Reproduction.DIFFERS,
        rows=200,
        differing_rows=200,
        apart_rows=2,
        largest_difference=0.0002,
    )
    exact = judged(Rule.REPRODUCIBILITY, differs)
    assert (exact.outcome, exact.reason) == (
        Outcome.FAIL,
        "scorer.onnx is 666666666666, not 555555555555: 200 of 200 answers (100.00%) differ, largest 0.0002, "
        "needed the same",
    )
    policy = POLICY.model_copy(
        update={"reproducibility": ReproducibilityPolicy(timeout=timedelta(seconds=9), exact=False)}
    )
    found = judge_rule(Rule.REPRODUCIBILITY, replace(GOOD, measured={Rule.REPRODUCIBILITY: differs}), policy)
    assert (found.outcome, found.code) == (Outcome.PASS, Code.CLEARED)
    assert found.reason == (
        "2 of 200 rows (1.00%) differ from a second training by more than 0.0001, largest 0.0002, "
        "needed at most 1.00%"
    )


def test_a_section_without_one_of_its_numbers_is_refused() -> None:
    for section, content in (
        (StalenessPolicy, POLICY.staleness),
        (StabilityPolicy, POLICY.stability),
        (ReproducibilityPolicy, POLICY.reproducibility),
    ):
        assert content is not None
        values = content.model_dump()
        for name in values:
            with pytest.raises(ValidationError, match=name):
                section.model_validate({key: value for key, value in values.items() if key != name})


@pytest.mark.parametrize("horizon", ["0d", "0s"])
def test_no_horizon_at_all_is_refused(horizon: str) -> None:
    assert POLICY.staleness is not None
    with pytest.raises(ValidationError, match="horizon"):
        StalenessPolicy.model_validate({**POLICY.staleness.model_dump(), "horizon": horizon})
