"""Is a group that is treated worse found by the gate, and what is said of one that is too small?"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from fairlearn.metrics import demographic_parity_ratio, equal_opportunity_difference
from pydantic import ValidationError

from millrace.domain.config import FairnessPolicy, GateSection, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.finding import Finding
from millrace.domain.gate.judge import judge_rule
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from tests.domain.judged import POLICY, evidence, source_of

ROWS, BLOCKS = 6_000, 30
FAIR = {"columns": ("sex",), "min_rows": 100, "min_share": 0.05}


def policy(**changes: object) -> GateSection:
    return POLICY.model_copy(update={"fairness": FairnessPolicy.model_validate({**FAIR, **changes})})


def people(seed: int, shares: tuple[float, ...] = (0.5, 0.5)) -> npt.NDArray[np.str_]:
    return np.random.default_rng([seed, 1]).choice([*"abcdefghijklmn"][: len(shares)], ROWS, p=shares)


def answered(groups: dict[str, npt.NDArray[np.str_]], more: npt.ArrayLike, seed: int, name: str) -> JudgedSet:
    """Decide positively for 3 of 10, for 5 of 10 of the truly positive, and for `more` besides."""
    source = np.random.default_rng(seed)
    blocks = np.array([f"{name}{at:02}" for at in np.arange(ROWS) * BLOCKS // ROWS])
    labels = (source.random(ROWS) < 0.4).astype(np.float64)
    positive = source.random(ROWS) < 0.3 + 0.2 * labels + np.asarray(more)
    answers = 0.2 + 0.6 * positive
    return JudgedSet(
        source_of(judged_set_id(blocks)), labels, blocks, answers, None, answers, None, 0,
        groups={Rule.FAIRNESS: groups},
    )  # fmt: skip


def both(gap: float, seed: int = 0, shares: tuple[float, ...] = (0.5, 0.5)) -> GateEvidence:
    """Decide positively for the last group more often by `gap`."""
    sets = []
    for name, at in (("r", seed), ("g", seed + 1_000)):
        sex = people(at, shares)
        sets.append(answered({"sex": sex}, gap * (sex == np.unique(sex)[-1]), at, name))
    return evidence(*sets)


def judge(found: GateEvidence, asked: GateSection) -> Finding:
    verdict = judge_rule(Rule.FAIRNESS, found, asked)
    assert isinstance(verdict, Finding)
    return verdict


LIMITS = [
    ("max_parity_difference", 0.1, "share answered positively differs by 0."),
    ("max_opportunity_difference", 0.1, "true positive share differs by 0."),
    ("max_odds_difference", 0.1, ""),
    ("min_impact_ratio", 0.8, "ratio of the shares answered positively is 0."),
]


@pytest.mark.parametrize(("name", "limit", "told"), LIMITS)
def test_a_group_that_is_decided_for_more_often_fails_each_measure(
    name: str, limit: float, told: str
) -> None:
    found = judge(both(0.25), policy(**{name: limit}))
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith(told)
    assert "between sex=b and sex=a" in found.reason
    assert judge(both(0.0), policy(**{name: limit})).outcome is Outcome.PASS


def test_the_figures_are_those_of_fairlearn() -> None:
    found = both(0.1)
    sets = (found.recent, found.golden)
    labels = np.concatenate([one.labels for one in sets])
    decided = np.concatenate([one.challenger > 0.5 for one in sets])
    sex = np.concatenate([one.groups[Rule.FAIRNESS]["sex"] for one in sets])
    asked = policy(min_impact_ratio=0.5, max_opportunity_difference=0.3)
    bars = {bar.name.split(",")[0]: bar for bar in judge(found, asked).bars}
    ratio, opportunity = (
        bars["sex: ratio of the shares answered positively"],
        bars["sex: true positive share"],
    )
    assert ratio.value == pytest.approx(demographic_parity_ratio(labels, decided, sensitive_features=sex))
    expected = equal_opportunity_difference(labels, decided, sensitive_features=sex)
    assert opportunity.value == pytest.approx(expected)
    for bar in (ratio, opportunity):
        assert bar.lower < bar.value < bar.upper  # type: ignore[operator]


def test_a_gap_near_its_limit_is_undecided() -> None:
    found = judge(both(0.1), policy(max_parity_difference=0.1))
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.UNSURE)


def test_decisions_are_by_the_bundles_own_threshold() -> None:
    found = both(0.25)
    low = evidence(*(replace(one, challenger=one.challenger / 2) for one in (found.recent, found.golden)))
    asked = policy(max_parity_difference=0.1)
    assert judge(low, asked).outcome is Outcome.PASS
    decided = replace(low, recent=replace(low.recent, thresholds={"challenger": 0.4}))
    assert judge(decided, asked).reason == judge(found, asked).reason


def test_an_answer_of_just_a_half_is_decided_positively_as_everywhere_else() -> None:
    found = both(0.25)
    at_half = (
        replace(one, challenger=np.where(one.challenger > 0.5, 0.5, 0.4))
        for one in (found.recent, found.golden)
    )
    asked = policy(max_parity_difference=0.1)
    assert judge(evidence(*at_half), asked).reason == judge(found, asked).reason


def test_a_group_that_is_too_small_is_named_and_one_of_some_share_leaves_the_rule_undecided() -> None:
    rare = both(0.0, shares=(0.495, 0.495, 0.01))
    limits = {"max_odds_difference": 0.1}
    named = judge(rare, policy(**limits))
    assert named.outcome is Outcome.PASS
    assert "; not judged, 100 rows that count needed: sex=c (" in named.reason
    needed = judge(rare, policy(**limits, min_share=0.005))
    assert (needed.outcome, needed.code) == (Outcome.INCONCLUSIVE, Code.TOO_FEW)
    assert needed.reason.startswith("1 group of 0.50% of the rows or more not compared; not judged")


def test_of_many_groups_that_are_too_small_those_that_decide_are_named() -> None:
    sets = []
    for at, name in enumerate("rg"):
        groups = {
            "district": people(at, (0.488, 0.488, *[0.002] * 12)),
            "sex": people(at, (0.46, 0.46, 0.08)),
        }
        sets.append(answered(groups, 0.0, at, name))
    asked = policy(columns=("district", "sex"), max_parity_difference=0.1, min_rows=1_000)
    found = judge(evidence(*sets), asked)
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TOO_FEW)
    assert "1000 rows that count needed: sex=c (" in found.reason


def test_a_rare_group_that_is_surely_treated_otherwise_fails() -> None:
    found = judge(both(0.5, shares=(0.48, 0.48, 0.04)), policy(max_parity_difference=0.2))
    assert found.outcome is Outcome.FAIL
    assert "between sex=c and" in found.reason


def test_a_rare_group_whose_gap_is_unsure_is_named_and_blocks_nobody() -> None:
    rare, asked = both(0.05, shares=(0.48, 0.48, 0.04)), policy(max_parity_difference=0.08)
    found = judge(rare, asked)
    assert found.outcome is Outcome.PASS, found.reason
    assert found.reason.endswith("; not judged, as only a sure gap counts below 5.00% of the rows: sex=c")
    needed = judge(rare, policy(max_parity_difference=0.08, min_share=0.01))
    assert (needed.outcome, needed.code) == (Outcome.INCONCLUSIVE, Code.UNSURE)


def test_one_large_group_alone_is_no_comparison() -> None:
    found = judge(both(0.0, shares=(0.97, 0.03)), policy(max_parity_difference=0.2))
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TOO_FEW)
    assert found.reason == (
        "no two groups of 5.00% of the rows or more, or less than 50% of the rows in them: "
        "sex (share answered positively); "
        "not judged, as only a sure gap counts below 5.00% of the rows: sex=b"
    )


def test_what_hides_in_each_column_is_found_in_two_together() -> None:
    sets = []
    for at, name in enumerate("rg"):
        sex, old = people(at), np.array(["no", "yes"])[np.random.default_rng(at + 50).integers(2, size=ROWS)]
        more = np.where((sex == "a") == (old == "yes"), 0.2, 0.0)
        sets.append(answered({"sex": sex, "old": old}, more, at, name))
    found, limit = evidence(*sets), {"max_parity_difference": 0.1}
    assert judge(found, policy(columns=("sex", "old"), **limit)).outcome is Outcome.PASS
    assert judge(found, policy(columns=("sex*old",), **limit)).outcome is Outcome.FAIL


def test_a_regression_has_parity_of_errors() -> None:
    found = both(0.0)
    sets = []
    for one in (found.recent, found.golden):
        source = np.random.default_rng(int(one.labels.sum()))
        spread = np.where(one.groups[Rule.FAIRNESS]["sex"] == "b", 2.0, 1.0)
        sets.append(replace(one, challenger=one.labels + spread * source.normal(size=ROWS)))
    assert judge(evidence(*sets), policy(max_error_difference=0.5)).outcome is Outcome.FAIL
    assert judge(evidence(*sets), policy(max_error_difference=0.8)).outcome is Outcome.PASS


def test_several_classes_have_parity_of_mistakes() -> None:
    sets = []
    for one in (both(0.0).recent, both(0.0).golden):
        source = np.random.default_rng(1)
        labels = source.integers(3, size=ROWS).astype(np.float64)
        is_wrong = source.random(ROWS) < np.where(one.groups[Rule.FAIRNESS]["sex"] == "b", 0.4, 0.2)
        shares = np.eye(3)[(labels.astype(int) + is_wrong) % 3]
        sets.append(replace(one, labels=labels, challenger=shares, baseline=shares))
    failed = judge(evidence(*sets), policy(max_error_difference=0.1))
    assert failed.outcome is Outcome.FAIL
    assert failed.reason.startswith("share of errors differs by 0.192")
    assert judge(evidence(*sets), policy(max_error_difference=0.3)).outcome is Outcome.PASS


def test_groups_that_are_treated_alike_rarely_fail_and_a_gap_at_the_limit_rarely_passes() -> None:
    asked = policy(max_parity_difference=0.03, max_odds_difference=0.1)
    alike = [judge(both(0.0, seed), asked).outcome for seed in range(10)]
    assert alike.count(Outcome.FAIL) <= 2
    at_limit = [judge(both(0.03, seed), asked).outcome for seed in range(10)]
    assert at_limit.count(Outcome.PASS) <= 2


def test_a_limit_must_be_there_and_mean_something_for_the_task() -> None:
    with pytest.raises(ValidationError, match="no limit is given"):
        policy()
    found = policy(max_parity_difference=0.1, max_error_difference=0.1).fairness
    assert found is not None
    assert found.strange_to(Task.BINARY) == ("max_error_difference",)
    assert found.strange_to(Task.REGRESSION) == ("max_parity_difference",)
