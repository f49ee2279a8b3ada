"""Is a slice that is answered worse found, and can a rare one neither hide nor block?"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from millrace.domain.config import GateSection, Metric, Rule, SlicesPolicy
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.finding import Finding
from millrace.domain.gate.judge import judge_rule
from millrace.domain.verdict import Outcome
from tests.domain.judged import POLICY, evidence, first_ever, source_of

ROWS, BLOCKS = 6_000, 30
SLICES = SlicesPolicy(columns=("origin",), max_harm=0.2, min_blocks=14, min_share=0.05)


def policy(**changes: object) -> GateSection:
    metric = {"metric": changes.pop("metric", Metric.MAE)}
    return POLICY.model_copy(update={**metric, "slices": SLICES.model_copy(update=changes)})


def judged(
    groups: dict[str, npt.NDArray[np.str_]], harm: npt.ArrayLike, seed: int = 0, name: str = "b"
) -> JudgedSet:
    """Return two models that err by chance, the challenger by so much more."""
    source = np.random.default_rng(seed)
    blocks = np.array([f"{name}{at:02}" for at in np.arange(ROWS) * BLOCKS // ROWS])
    labels = source.normal(size=ROWS)
    champion, challenger = (np.abs(source.normal(1.0, 0.2, ROWS)) for _ in range(2))
    return JudgedSet(
        source_of(judged_set_id(blocks)), labels, blocks, labels + challenger + np.asarray(harm),
        labels + champion, labels, None, 0, groups={Rule.SLICES: groups},
    )  # fmt: skip


def origins(rare: float = 0.0) -> npt.NDArray[np.str_]:
    names = np.array(["EWR", "JFK", "LGA"])[np.arange(ROWS) % 3]
    return np.where(np.random.default_rng(1).random(ROWS) < rare, "HPN", names)


def both(groups: dict[str, npt.NDArray[np.str_]], harm: npt.ArrayLike, seed: int = 0) -> GateEvidence:
    return evidence(judged(groups, harm, seed, "b"), judged(groups, harm, seed + 1_000, "a"))


def judge(found: GateEvidence, asked: GateSection) -> Finding:
    verdict = judge_rule(Rule.SLICES, found, asked)
    assert isinstance(verdict, Finding)
    return verdict


def test_a_slice_that_loses_fails_by_name_though_all_rows_together_do_not() -> None:
    names = origins()
    found = judge(both({"origin": names}, 0.3 * (names == "LGA")), policy())
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason.startswith("origin=LGA MAE 1.295 against 1.003, gain -0.292 (99.17 % at most -0.282)")
    assert found.reason.endswith("needed at least -0.2; 1 of 3 limits missed")
    assert found.bars[0].name == "origin=LGA: MAE lost against the champion"
    assert found.bars[0].limit == 0.2
    spread_out = judge(both({"origin": names}, 0.1), policy())
    assert spread_out.outcome is Outcome.PASS


def test_a_slice_of_one_class_has_no_figure_and_says_so() -> None:
    names = origins()

    def classes(of: JudgedSet) -> JudgedSet:
        labels = (of.labels > 0) * (names != "JFK") * 1.0
        answers = 0.25 + 0.5 * labels + 0.1 * np.tanh(of.labels)
        return replace(of, labels=labels, challenger=answers, champion=answers, baseline=answers)

    known = both({"origin": names}, 0.0)
    found = replace(known, recent=classes(known.recent), golden=classes(known.golden))
    told = judge(found, policy(metric=Metric.AUC))
    assert told.outcome is Outcome.INCONCLUSIVE
    assert told.reason.startswith(
        "origin=JFK has no AUC: are there rows of each class?; 1 of 3 limits undecided"
    )


def test_two_columns_together_find_what_neither_shows_alone() -> None:
    groups = {"origin": origins(), "hour": np.array(["am", "pm"])[np.arange(ROWS) // 3 % 2]}
    is_bad = (groups["origin"] == "LGA") & (groups["hour"] == "pm")
    found = both(groups, 0.5 * is_bad)
    asked = {"columns": ("origin", "hour"), "max_harm": 0.35}
    assert judge(found, policy(**asked)).outcome is Outcome.PASS
    crossed = judge(found, policy(**(asked | {"columns": ("origin * hour",)})))
    assert crossed.outcome is Outcome.FAIL
    assert crossed.reason.startswith("origin=LGA, hour=pm MAE 1.494 against 1.007")


def test_a_rare_slice_is_named_and_blocks_nobody_but_fails_where_it_surely_loses() -> None:
    names = origins()
    names[:26] = "HPN"
    once = judge(both({"origin": names}, 0.0), policy())
    assert once.outcome is Outcome.PASS
    assert "; not judged, 14 blocks needed: origin=HPN (52 rows in 2 blocks)" in once.reason
    often = origins(rare=0.02)
    unsure = judge(both({"origin": often}, 0.2 * (often == "HPN")), policy())
    assert unsure.outcome is Outcome.PASS
    assert unsure.reason.endswith("; not judged, undecided and each below 5.00% of the rows: origin=HPN")
    assert judge(both({"origin": often}, 0.6 * (often == "HPN")), policy()).outcome is Outcome.FAIL


def test_a_large_slice_in_too_few_blocks_leaves_the_rule_undecided() -> None:
    names = origins()
    names[:1_000] = "HPN"
    found = judge(both({"origin": names}, 0.0), policy())
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.TOO_FEW)
    assert found.reason == (
        "1 slice of 5.00% of the rows or more too small; "
        "not judged, 14 blocks needed: origin=HPN (2000 rows in 10 blocks)"
    )


def test_a_column_of_which_no_slice_can_be_judged_is_never_a_pass() -> None:
    groups = {"origin": origins(), "plane": np.array([f"N{at}" for at in range(ROWS)])}
    found = judge(both(groups, 0.0), policy(columns=("origin", "plane")))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason.startswith("slices of plane shown to clear hold less than 50% of the rows")


def test_a_slice_that_is_rarer_than_fifty_others_is_not_judged_and_named() -> None:
    names = np.array([f"s{at:02}" for at in np.arange(ROWS) % 51])
    found = judge(both({"origin": names}, 0.0), policy())
    assert found.outcome is Outcome.PASS, found.reason
    assert "; not judged, beyond the 50 largest of a column: origin=s50" in found.reason
    assert judge(both({"origin": names}, 0.0), policy(min_share=0.01)).code == Code.TOO_FEW


@pytest.mark.parametrize(
    ("floor", "outcome"), [(1.4, Outcome.PASS), (1.01, Outcome.INCONCLUSIVE), (0.9, Outcome.FAIL)]
)
def test_a_floor_is_the_metrics_own_figure_and_must_surely_be_reached(floor: float, outcome: Outcome) -> None:
    found = judge(both({"origin": origins()}, 0.0), policy(floor=floor, max_harm=None))
    assert found.outcome is outcome
    assert f"needed at most {floor:g}" in found.reason


@pytest.mark.parametrize(("floor", "outcome"), [(0.6, Outcome.PASS), (0.9, Outcome.FAIL)])
def test_the_floor_of_a_score_is_below_it(floor: float, outcome: Outcome) -> None:
    ranked = []
    for name in "ab":
        one = judged({"origin": origins()}, 0.0, name=name)
        labels = (np.random.default_rng(3).random(ROWS) < 0.4).astype(np.float64)
        ranked.append(
            replace(one, labels=labels, challenger=labels + np.random.default_rng(4).normal(size=ROWS))
        )
    found = judge(evidence(*ranked), policy(metric=Metric.AUC, floor=floor, max_harm=None))
    assert found.outcome is outcome
    assert f"needed at least {floor:g}" in found.reason
    bar = found.bars[0]
    assert bar.is_floor
    assert bar.lower < bar.value < bar.upper  # type: ignore[operator]


def test_the_first_model_has_no_champion_to_lose_against() -> None:
    found = first_ever(both({"origin": origins()}, 5.0))
    harmless = judge_rule(Rule.SLICES, found, policy())
    assert (harmless.outcome, harmless.code) == (Outcome.PASS, Code.NOT_ASKED)
    assert judge(found, policy(floor=2.0)).outcome is Outcome.FAIL


def test_a_champion_of_another_task_leaves_harm_undecided() -> None:
    found = both({"origin": origins()}, 0.0)
    other = replace(found, golden=replace(found.golden, champion=None))
    verdict = judge_rule(Rule.SLICES, other, policy())
    assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.UNCOMPARABLE)


def test_an_identical_challenger_harms_no_slice_by_anything() -> None:
    found = both({"origin": origins()}, 0.0)
    same = evidence(*(replace(one, challenger=one.champion) for one in (found.recent, found.golden)))
    assert judge(same, policy(max_harm=0.0)).outcome is Outcome.PASS


def test_an_equal_challenger_is_rarely_said_to_harm_one_of_many_slices() -> None:
    names = np.array([f"s{at:02}" for at in np.arange(ROWS) % 12])
    found = [judge(both({"origin": names}, 0.0, seed), policy(max_harm=0.0)) for seed in range(15)]
    assert sum(one.outcome is Outcome.FAIL for one in found) <= 2


def test_a_slice_at_its_limit_passes_no_more_often_than_the_level_says() -> None:
    names = origins()
    found = [judge(both({"origin": names}, 0.2 * (names == "LGA"), seed), policy()) for seed in range(15)]
    assert sum(one.outcome is Outcome.PASS for one in found) <= 3


def test_a_section_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="neither floor nor max_harm is given"):
        SlicesPolicy(columns=("origin",), min_blocks=14, min_share=0.05)
    with pytest.raises(ValidationError, match="min_share"):
        SlicesPolicy(columns=("origin",), max_harm=0.1, min_blocks=14)  # type: ignore[call-arg]
