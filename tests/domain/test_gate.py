"""Which laws hold for every rule of the gate?"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from millrace.domain.config import GateSection, Rule
from millrace.domain.facts import Agreement
from millrace.domain.gate import judge_challenger
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import confidence_at_look
from millrace.domain.gate.evidence import JudgedSet, judged_set_id
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.rules import RULES
from millrace.domain.verdict import Outcome
from tests.domain.gate_cases import (
    behaviour,
    calibration,
    cost,
    fairness,
    features,
    leakage,
    reproducibility,
    robustness,
    simpler,
    slices,
    stability,
    staleness,
)
from tests.domain.gate_cases.case import GateCase
from tests.domain.judged import (
    AUC_POLICY,
    FEW_GOLDEN,
    FEW_RECENT,
    GOOD,
    NO_WORSE,
    POLICY,
    SEVERITY,
    Floats,
    agreeing,
    blocks_of,
    evidence,
    first_ever,
    nan_on_golden,
    nan_on_recent,
    off_by,
    on_recent,
    ranked,
    source_of,
)

NO_ROWS = evidence(recent=off_by([], n_blocks=0), golden=off_by([], n_blocks=0))


SIZES = (evidence(recent=off_by(1.0, 14), golden=off_by(1.0, 14)), NO_ROWS)


CASES = [
    GateCase(
        "recent_champion",
        "MAE 1 against 2, gain 1 (97.5 % at least 1), needed more than 0",
        on_recent(1.5, 2.0, 2.5),
        FEW_RECENT,
        nan_on_recent("labels", "challenger", "champion"),
    ),
    GateCase(
        "golden_best",
        "MAE 1 against 2, gain 1 (95 % at least 1), needed at least -0.25",
        tuple(evidence(golden=off_by(offset)) for offset in (2.0, 2.25, 2.3)),
        FEW_GOLDEN,
        nan_on_golden("labels", "challenger", "best"),
    ),
    GateCase(
        "floors",
        "MAE 1, needed at most 2.5",
        on_recent(2.4, 2.6),
        FEW_RECENT,
        nan_on_recent("labels", "challenger"),
    ),
    GateCase(
        "constant",
        "MAE 1 against 149.5, gain 148 (97.5 % at least 120), needed more than 0",
        on_recent(100.0, 200.0),
        FEW_RECENT,
        (*nan_on_recent("labels", "challenger"), replace(GOOD, constant=math.nan)),
    ),
    GateCase(
        "linear_baseline",
        "MAE 1 against 3, gain 2 (97.5 % at least 2), needed at least -0.5",
        on_recent(3.0, 3.5, 3.6),
        FEW_RECENT,
        nan_on_recent("labels", "challenger", "baseline"),
    ),
    GateCase(
        "agreement",
        "0 of 400 rows (0.00%) differ from the fitted pipeline by more than 0.0001, largest 1e-07, "
        "needed at most 1.00%",
        (agreeing(400, 4), agreeing(400, 5, 0.9)),
        agreeing(0, 0, 0.0),
        (agreeing(400, 0, math.nan), agreeing(400, 0, math.inf)),
    ),
    GateCase(
        "finite",
        "all 400 answers of the challenger are finite",
        (nan_on_recent("champion")[0], nan_on_recent("challenger")[0]),
        NO_ROWS,
        (*nan_on_recent("challenger", "champion", "baseline"), *nan_on_golden("challenger", "best")),
    ),
    GateCase("recent_blocks", "20 blocks, 14 needed", SIZES, FEW_RECENT, ()),
    GateCase("golden_blocks", "20 blocks, 14 needed", SIZES, FEW_GOLDEN, ()),
    GateCase(
        "golden_looks",
        "golden set looked at 0 of 50 times",
        (evidence(golden=off_by(1.0, looks=49)), evidence(golden=off_by(1.0, looks=50))),
        evidence(golden=off_by(1.0, looks=50)),
        (),
    ),
]

for topic in (
    behaviour,
    calibration,
    cost,
    fairness,
    features,
    leakage,
    reproducibility,
    robustness,
    simpler,
    slices,
    stability,
    staleness,
):
    CASES.extend(topic.CASES)
CASES.sort(key=lambda case: list(RULES).index(Rule(case.rule)))


class TestCheckGate:
    """The suite every rule must pass; a rule is done when it is in `CASES`."""

    def test_every_rule_is_checked(self) -> None:
        assert [case.rule for case in CASES] == list(RULES)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_good_evidence_passes_with_its_numbers_in_one_line(self, case: GateCase) -> None:
        found = judge_rule(case.rule, GOOD, POLICY)
        assert (found.outcome, found.reason, found.code) == (Outcome.PASS, case.reason, Code.CLEARED)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_worse_evidence_never_gives_a_better_outcome_and_ends_without_a_pass(
        self, case: GateCase
    ) -> None:
        outcomes = [judge_rule(case.rule, found, POLICY).outcome for found in (GOOD, *case.worse)]
        assert outcomes == sorted(outcomes, key=SEVERITY.index)
        assert outcomes[-1] is not Outcome.PASS

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_too_little_evidence_is_inconclusive(self, case: GateCase) -> None:
        verdict = judge_rule(case.rule, case.starved, POLICY)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert any(figure.isdigit() for figure in verdict.reason)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_no_rows_at_all_are_inconclusive_whatever_a_rule_looks_at(self, case: GateCase) -> None:
        verdict = judge_rule(case.rule, NO_ROWS, POLICY)
        assert (verdict.outcome, verdict.code) == (Outcome.INCONCLUSIVE, Code.EMPTY)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_what_is_no_number_never_passes(self, case: GateCase) -> None:
        for poisoned in case.poisoned:
            verdict = judge_rule(case.rule, poisoned, POLICY)
            assert verdict.outcome is not Outcome.PASS
            assert judge_challenger(poisoned, POLICY).outcome is not Outcome.PASS

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_every_verdict_bears_the_rules_name_and_one_line(self, case: GateCase) -> None:
        for found in (GOOD, *case.worse, case.starved, *case.poisoned):
            verdict = judge_rule(case.rule, found, POLICY)
            assert verdict.rule == case.rule
            assert verdict.reason.strip().count("\n") == 0 < len(verdict.reason)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_the_same_evidence_gives_the_same_verdict(self, case: GateCase) -> None:
        for found in (GOOD, *case.worse, case.starved, *case.poisoned):
            assert judge_rule(case.rule, found, POLICY) == judge_rule(case.rule, found, POLICY)


OFFSETS = st.lists(st.floats(0.0, 4.0), min_size=14, max_size=14)


@given(OFFSETS, OFFSETS, st.integers(0, 2), st.sampled_from([POLICY, NO_WORSE]))
@settings(max_examples=40, deadline=None)
def test_worse_answers_never_give_a_better_outcome(
    offsets: list[float], more: list[float], looks: int, policy: GateSection
) -> None:
    better = np.repeat(offsets, 10)
    worse = better + np.repeat(more, 10)
    before, after = (
        judge_challenger(evidence(off_by(off, 14, looks=looks), off_by(off, 14)), policy)
        for off in (better, worse)
    )
    for was, now in zip(before.verdicts, after.verdicts, strict=True):
        assert SEVERITY.index(now.outcome) >= SEVERITY.index(was.outcome), (was, now)


@given(st.integers(0, 1_000), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
@settings(max_examples=25, deadline=None)
def test_a_worse_ranking_never_gives_a_better_outcome(seed: int, separation: float, lost: float) -> None:
    judged, noise = ranked(separation, 14, seed)
    worse = replace(judged, challenger=(separation - lost) * judged.labels + noise)
    before, after = (judge_challenger(evidence(found, found), AUC_POLICY) for found in (judged, worse))
    for was, now in zip(before.verdicts, after.verdicts, strict=True):
        assert SEVERITY.index(now.outcome) >= SEVERITY.index(was.outcome), (was, now)


@given(
    st.sampled_from(["recent", "golden"]),
    st.sampled_from(["labels", "challenger", "champion", "baseline", "best"]),
    st.integers(0, 199),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
@settings(max_examples=40, deadline=None)
def test_one_number_that_is_none_keeps_the_whole_gate_from_passing(
    where: str, role: str, row: int, odd: float
) -> None:
    spoilt = np.array(getattr(getattr(GOOD, where), role))
    spoilt[row] = odd
    found = replace(GOOD, **{where: replace(getattr(GOOD, where), **{role: spoilt})})  # type: ignore[arg-type]
    if (where, role) == ("golden", "labels"):
        assert judge_rule("golden_best", found, POLICY).outcome is Outcome.INCONCLUSIVE
    assert judge_challenger(found, POLICY).outcome is not Outcome.PASS


@given(st.integers(0, 13), st.integers(14, 30), st.booleans())
@settings(max_examples=30, deadline=None)
def test_too_few_blocks_never_pass_however_good_the_challenger(
    few: int, enough: int, on_golden: bool
) -> None:
    sizes = (enough, few) if on_golden else (few, enough)
    recent, golden = (off_by(0.0, size, reference=90.0) for size in sizes)
    for found in (evidence(recent, golden), first_ever(evidence(recent, golden))):
        assert judge_challenger(found, POLICY).outcome is not Outcome.PASS


@given(st.lists(st.floats(-9.0, 9.0), min_size=200, max_size=200), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_an_identical_challenger_is_never_superior_and_always_non_inferior(
    offsets: list[float], looks: int
) -> None:
    recent = off_by(offsets, looks=looks)
    same = evidence(recent=replace(recent, champion=recent.challenger))
    assert judge_rule("recent_champion", same, POLICY).outcome is Outcome.FAIL
    assert judge_rule("recent_champion", same, NO_WORSE).outcome is Outcome.PASS


@given(st.floats(0.0, 4.0), st.floats(0.0, 4.0), st.integers(0, 60), st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_the_gate_is_the_worst_of_its_rules(
    recent: float, golden: float, looks: int, disagreeing: int
) -> None:
    found = replace(
        evidence(off_by(recent), off_by(golden, looks=looks)), agreement=Agreement(400, 0.1, disagreeing)
    )
    judgement = judge_challenger(found, POLICY)
    assert judgement.outcome is max((v.outcome for v in judgement.verdicts), key=SEVERITY.index)
    deciding = next(v for v in judgement.verdicts if v.outcome is judgement.outcome)
    assert judgement.reason == f"{deciding.rule}: {deciding.reason}"
    assert judgement == judge_challenger(found, POLICY)


PAIRS = 400


def noisy_pair(source: np.random.Generator, n_blocks: int) -> JudgedSet:
    """Two models that differ by noise only, most of which the rows of a block share."""
    blocks = blocks_of(n_blocks)

    def answers() -> Floats:
        return np.repeat(source.normal(size=n_blocks), 10) + 0.5 * source.normal(size=blocks.size)

    zeros = np.zeros(blocks.size)
    return JudgedSet(source_of(judged_set_id(blocks)), zeros, blocks, answers(), answers(), zeros, None, 0)


def noisy_ranking(source: np.random.Generator, n_blocks: int) -> JudgedSet:
    blocks = blocks_of(n_blocks)
    day = np.repeat(source.normal(size=n_blocks), 10)
    labels = (source.random(blocks.size) < 1.0 / (1.0 + np.exp(-day))).astype(np.float64)

    def answers() -> Floats:
        return labels + day + np.repeat(source.normal(size=n_blocks), 10) + source.normal(size=blocks.size)

    return JudgedSet(source_of(judged_set_id(blocks)), labels, blocks, answers(), answers(), labels, None, 0)


@pytest.mark.parametrize("n_blocks", [14, 30])
@pytest.mark.parametrize(("draw", "policy"), [(noisy_pair, POLICY), (noisy_ranking, AUC_POLICY)])
def test_challengers_that_differ_by_noise_only_win_no_more_often_than_the_level_says(
    draw: Callable[[np.random.Generator, int], JudgedSet], policy: GateSection, n_blocks: int
) -> None:
    source = np.random.default_rng(7)
    found = [evidence(recent=draw(source, n_blocks)) for _ in range(PAIRS)]
    passed = sum(judge_rule("recent_champion", pair, policy).outcome is Outcome.PASS for pair in found)
    level = 1.0 - confidence_at_look(policy.confidence, 0)
    assert passed <= stats.binom.ppf(0.999, PAIRS, level)
    assert passed > 0
