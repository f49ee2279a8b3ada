"""Which laws hold for every rule of the gate, and what does each say?"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from millrace.domain.config import Comparison, GateSection, Metric
from millrace.domain.facts import Agreement
from millrace.domain.gate import judge_challenger
from millrace.domain.gate.comparison import confidence_at_look
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.judge import EVERY_TIME_RULES, RULES, judge_rule
from millrace.domain.verdict import Outcome, Verdict

Floats = npt.NDArray[np.float64]

SEVERITY = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]
POLICY = GateSection(
    metric=Metric.MAE,
    comparison=Comparison.SUPERIOR,
    margin=0.0,
    golden_margin=0.25,
    baseline_margin=0.5,
    confidence=0.95,
    rounds=500,
    min_blocks=14,
    max_looks=50,
    floors={Metric.MAE: 2.5},
    agreement_tolerance=0.0001,
    max_disagreeing_share=0.01,
)
AUC_POLICY = POLICY.model_copy(update={"metric": Metric.AUC, "floors": {Metric.AUC: 0.65}})
NO_WORSE = POLICY.model_copy(update={"comparison": Comparison.NON_INFERIOR, "margin": 0.5})


def blocks_of(n_blocks: int, rows_per_block: int = 10) -> npt.NDArray[np.str_]:
    return np.array(
        [f"b{block:03d}" for block in range(n_blocks) for _ in range(rows_per_block)], dtype=np.str_
    )


def off_by(
    challenger: npt.ArrayLike, n_blocks: int = 20, *, looks: int = 0, reference: float = 2.0
) -> JudgedSet:
    """Return a set on which the challenger is off by so much, the champion by 2, the baseline by 3."""
    blocks = blocks_of(n_blocks)
    rows = np.ones(blocks.size)
    offsets = np.broadcast_to(np.asarray(challenger, dtype=np.float64), rows.shape)
    labels = np.arange(blocks.size, dtype=np.float64)
    return JudgedSet(
        set_id=judged_set_id(blocks),
        labels=labels,
        blocks=blocks,
        challenger=labels + offsets,
        champion=labels + reference,
        baseline=labels + 3.0,
        best=labels + reference,
        looks=looks,
    )


def evidence(recent: JudgedSet | None = None, golden: JudgedSet | None = None) -> GateEvidence:
    return GateEvidence(
        champion_digest="c" * 64,
        best_digest="b" * 64,
        challenger_digest="a" * 64,
        baseline_digest="e" * 64,
        recent=recent or off_by(1.0),
        golden=golden or off_by(1.0),
        constant=-50.0,
        agreement=Agreement(rows=400, largest_difference=1e-7, disagreeing_rows=0),
    )


GOOD = evidence()


@dataclass(frozen=True)
class GateCase:
    """What the suite needs to know of a rule: evidence that gets worse, is too little, is no number."""

    rule: str
    reason: str
    worse: tuple[GateEvidence, ...]
    starved: GateEvidence
    poisoned: tuple[GateEvidence, ...]


def on_recent(*offsets: float) -> tuple[GateEvidence, ...]:
    return tuple(evidence(recent=off_by(offset)) for offset in offsets)


def with_nan(judged: JudgedSet, role: str) -> JudgedSet:
    poisoned = np.array(getattr(judged, role))
    poisoned[7] = math.nan
    return replace(judged, **{role: poisoned})


def nan_on_recent(*roles: str) -> tuple[GateEvidence, ...]:
    return tuple(evidence(recent=with_nan(off_by(1.0), role)) for role in roles)


def nan_on_golden(*roles: str) -> tuple[GateEvidence, ...]:
    return tuple(evidence(golden=with_nan(off_by(1.0), role)) for role in roles)


def agreeing(rows: int, disagreeing: int, largest: float = 1e-7) -> GateEvidence:
    return replace(GOOD, agreement=Agreement(rows, largest, disagreeing))


FEW_RECENT = evidence(recent=off_by(0.0, n_blocks=13))
FEW_GOLDEN = evidence(golden=off_by(0.0, n_blocks=13))
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


class TestCheckGate:
    """The suite every rule must pass; a rule is done when it is in `CASES`."""

    def test_every_rule_is_checked(self) -> None:
        assert [case.rule for case in CASES] == list(RULES)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
    def test_good_evidence_passes_with_its_numbers_in_one_line(self, case: GateCase) -> None:
        assert judge_rule(case.rule, GOOD, POLICY) == Verdict(case.rule, Outcome.PASS, case.reason)

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
    def test_no_rows_at_all_are_never_more_than_the_rule_has_seen(self, case: GateCase) -> None:
        blind_to_rows = {"agreement", "golden_looks"}
        passed = judge_rule(case.rule, NO_ROWS, POLICY).outcome is Outcome.PASS
        assert passed == (case.rule in blind_to_rows)

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


def verdict_of(rule: str, found: GateEvidence, policy: GateSection = POLICY) -> tuple[Outcome, str]:
    verdict = judge_rule(rule, found, policy)
    return verdict.outcome, verdict.reason


def per_block(low: float, high: float, n_blocks: int = 20) -> Floats:
    return np.repeat(np.where(np.arange(n_blocks) % 2 == 0, low, high), 10)


@pytest.mark.parametrize(
    ("rule", "found", "policy", "outcome", "reason"),
    [
        (
            "recent_champion",
            evidence(recent=off_by(2.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 2 against 2, gain 0 (97.5 % at most 0), needed more than 0",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(per_block(1.0, 2.5))),
            POLICY,
            Outcome.INCONCLUSIVE,
            "MAE 1.75 against 2, gain 0.25 (97.5 % at least -0.125, at most 0.625), needed more than 0",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(2.4, looks=3)),
            NO_WORSE,
            Outcome.PASS,
            "MAE 2.4 against 2, gain -0.4 (99.75 % at least -0.4), needed at least -0.5",
        ),
        (
            "recent_champion",
            evidence(recent=off_by(2.6)),
            NO_WORSE,
            Outcome.FAIL,
            "MAE 2.6 against 2, gain -0.6 (97.5 % at most -0.6), needed at least -0.5",
        ),
        ("recent_champion", FEW_RECENT, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        (
            "golden_best",
            evidence(golden=off_by(2.3)),
            POLICY,
            Outcome.FAIL,
            "MAE 2.3 against 2, gain -0.3 (95 % at most -0.3), needed at least -0.25",
        ),
        ("golden_best", FEW_GOLDEN, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        ("floors", on_recent(2.6)[0], POLICY, Outcome.FAIL, "MAE 2.6, needed at most 2.5"),
        (
            "constant",
            evidence(recent=off_by(200.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 200 against 149.5, gain -50.5 (97.5 % at most -22.5), needed more than 0",
        ),
        (
            "linear_baseline",
            evidence(recent=off_by(4.0)),
            POLICY,
            Outcome.FAIL,
            "MAE 4 against 3, gain -1 (97.5 % at most -1), needed at least -0.5",
        ),
        (
            "linear_baseline",
            replace(FEW_RECENT, challenger_digest="e" * 64),
            POLICY,
            Outcome.PASS,
            "the challenger eeeeeeeeeeee is the baseline",
        ),
        (
            "agreement",
            agreeing(40_000, 401, 0.97),
            POLICY,
            Outcome.FAIL,
            "401 of 40000 rows (1.00%) differ from the fitted pipeline by more than 0.0001, largest 0.97, "
            "needed at most 1.00%",
        ),
        (
            "agreement",
            agreeing(0, 0, 0.0),
            POLICY,
            Outcome.INCONCLUSIVE,
            "0 rows compared, largest difference 0: the bundle was not held against its pipeline",
        ),
        (
            "finite",
            nan_on_recent("challenger")[0],
            POLICY,
            Outcome.FAIL,
            "1 of 400 answers of the challenger are NaN or infinite, none may be",
        ),
        (
            "finite",
            nan_on_golden("best")[0],
            POLICY,
            Outcome.INCONCLUSIVE,
            "1 of 1200 answers it is compared with are NaN or infinite",
        ),
        ("recent_blocks", FEW_RECENT, POLICY, Outcome.INCONCLUSIVE, "13 blocks, 14 needed"),
        (
            "golden_looks",
            evidence(golden=off_by(1.0, looks=50)),
            POLICY,
            Outcome.INCONCLUSIVE,
            "golden set looked at 50 of 50 times; renew it: change [golden] in model.toml",
        ),
    ],
)
def test_a_rule_says_what_it_found_and_what_it_needed(
    rule: str, found: GateEvidence, policy: GateSection, outcome: Outcome, reason: str
) -> None:
    assert verdict_of(rule, found, policy) == (outcome, reason)


def test_a_policy_without_floors_says_that_none_is_asked_for() -> None:
    policy = POLICY.model_copy(update={"floors": {}})
    assert verdict_of("floors", GOOD, policy) == (Outcome.PASS, "no floor is asked for in [gate.floors]")


def test_the_worst_of_several_floors_decides_and_all_are_named() -> None:
    policy = POLICY.model_copy(update={"floors": {Metric.MAE: 2.5, Metric.RMSE: 0.9}})
    expected = (Outcome.FAIL, "MAE 1, needed at most 2.5; RMSE 1, needed at most 0.9")
    assert verdict_of("floors", GOOD, policy) == expected


def test_a_minimal_gain_is_asked_of_a_superior_challenger() -> None:
    policy = POLICY.model_copy(update={"margin": 1.0})
    assert verdict_of("recent_champion", evidence(recent=off_by(1.0)), policy)[0] is Outcome.FAIL
    assert verdict_of("recent_champion", evidence(recent=off_by(0.9)), policy)[0] is Outcome.PASS


def test_a_champion_that_was_not_scored_is_no_pass() -> None:
    unscored = evidence(recent=replace(off_by(1.0), champion=None), golden=replace(off_by(1.0), best=None))
    recent, golden = (verdict_of(rule, unscored) for rule in ("recent_champion", "golden_best"))
    assert recent == (Outcome.INCONCLUSIVE, f"the champion {'c' * 12} was not scored on the recent set")
    assert golden == (Outcome.INCONCLUSIVE, f"the best champion {'b' * 12} was not scored on the golden set")
    assert judge_challenger(unscored, POLICY).outcome is Outcome.INCONCLUSIVE


def test_a_rule_that_cannot_be_computed_is_inconclusive_with_the_error() -> None:
    unpaired = evidence(recent=replace(off_by(1.0), champion=np.zeros(3)))
    outcome, reason = verdict_of("recent_champion", unpaired)
    assert outcome is Outcome.INCONCLUSIVE
    assert reason == (
        "UnpairedLossesError: losses cannot be compared: found (200,) labels, (3,) answers, (200,) blocks, "
        "needed one of each per row. Score every bundle on the same labelled rows"
    )


def first_ever(found: GateEvidence) -> GateEvidence:
    return replace(
        found,
        champion_digest=None,
        best_digest=None,
        recent=replace(found.recent, champion=None),
        golden=replace(found.golden, best=None),
    )


def test_the_first_model_ever_is_asked_everything_but_the_champion_rules() -> None:
    judgement = judge_challenger(first_ever(GOOD), POLICY)
    assert judgement.outcome is Outcome.PASS
    assert [verdict.rule for verdict in judgement.verdicts] == list(EVERY_TIME_RULES)


def test_the_first_model_ever_must_clear_the_floors_and_baselines() -> None:
    judgement = judge_challenger(first_ever(evidence(recent=off_by(2.6))), POLICY)
    assert (judgement.outcome, judgement.reason) == (Outcome.FAIL, "floors: MAE 2.6, needed at most 2.5")


def test_a_worse_challenger_fails_and_the_rule_that_decided_is_named() -> None:
    judgement = judge_challenger(evidence(recent=off_by(2.2)), POLICY)
    assert judgement.outcome is Outcome.FAIL
    assert judgement.reason.startswith("recent_champion: MAE 2.2 against 2, gain -0.2 (")
    assert [verdict.rule for verdict in judgement.verdicts] == list(RULES)


def test_a_better_challenger_passes() -> None:
    judgement = judge_challenger(GOOD, POLICY)
    assert judgement.outcome is Outcome.PASS
    assert judgement.reason == f"recent_champion: {CASES[0].reason}"


def ranked(separation: float, n_blocks: int = 20, seed: int = 0) -> tuple[JudgedSet, Floats]:
    """Return a binary set and the noise under the answers; the champion separates by 0.5."""
    source = np.random.default_rng(seed)
    blocks = blocks_of(n_blocks, 40)
    labels = (source.random(blocks.size) < 0.3).astype(np.float64)
    noise = source.normal(size=blocks.size)
    champion = 0.5 * labels + noise
    challenger = separation * labels + noise
    judged = JudgedSet("set", labels, blocks, challenger, champion, noise, champion, 0)
    return judged, noise


def test_an_auc_is_judged_in_the_figures_people_read() -> None:
    judged, _ = ranked(1.5)
    outcome, reason = verdict_of("recent_champion", evidence(judged, judged), AUC_POLICY)
    expected = "AUC 0.877 against 0.6619, gain 0.215 (97.5 % at least 0.195), needed more than 0"
    assert (outcome, reason) == (Outcome.PASS, expected)
    assert verdict_of("floors", evidence(judged, judged), AUC_POLICY)[1] == "AUC 0.877, needed more than 0.65"


def test_a_constant_has_an_auc_of_one_half() -> None:
    judged, _ = ranked(1.5)
    reason = verdict_of("constant", evidence(judged, judged), AUC_POLICY)[1]
    assert reason.startswith("AUC 0.877 against 0.5, gain 0.377 (")


def test_a_floor_of_an_auc_must_be_exceeded() -> None:
    judged, _ = ranked(1.5)
    judged = replace(judged, challenger=np.zeros(judged.labels.size))
    policy = AUC_POLICY.model_copy(update={"floors": {Metric.AUC: 0.5}})
    expected = (Outcome.FAIL, "AUC 0.5, needed more than 0.5")
    assert verdict_of("floors", evidence(judged, judged), policy) == expected


def test_an_auc_over_labels_of_one_class_is_inconclusive() -> None:
    judged, _ = ranked(1.5)
    judged = replace(judged, labels=np.zeros(judged.labels.size))
    found = evidence(judged, judged)
    outcome, reason = verdict_of("floors", found, AUC_POLICY)
    assert (outcome, reason) == (Outcome.INCONCLUSIVE, "AUC nan: labels of one class only")
    outcome, reason = verdict_of("recent_champion", found, AUC_POLICY)
    assert (outcome, reason) == (
        Outcome.INCONCLUSIVE,
        "AUC nan against nan, undefined on too many draws",
    )


def test_several_classes_are_held_against_their_own_shares() -> None:
    blocks = blocks_of(20)
    labels = np.tile([0.0, 1.0, 2.0, 2.0], 50)
    sure = np.eye(3)[labels.astype(int)] * 0.7 + 0.1
    judged = JudgedSet("set", labels, blocks, sure, sure, sure, sure, 0)
    policy = POLICY.model_copy(update={"metric": Metric.LOG_LOSS})
    outcome, reason = verdict_of("constant", evidence(judged, judged), policy)
    assert outcome is Outcome.PASS
    assert reason.startswith("log loss 0.2231 against 1.04, gain 0.817 (")


def test_the_error_allowed_over_all_looks_sums_to_the_policys() -> None:
    spent = sum(1.0 - confidence_at_look(0.95, looks) for looks in range(10_000))
    assert 0.04999 < spent < 0.05


def test_a_look_is_never_said_to_be_certain() -> None:
    judged = replace(off_by(1.0), looks=9_999)
    reason = verdict_of("recent_champion", evidence(recent=judged))[1]
    assert "(99.99999995 % at least 1)" in reason


def test_more_looks_need_more_evidence() -> None:
    reasons = [
        verdict_of("recent_champion", evidence(recent=off_by(per_block(1.0, 2.2), looks=looks)))
        for looks in (0, 60)
    ]
    assert [outcome for outcome, _ in reasons] == [Outcome.PASS, Outcome.INCONCLUSIVE]


def test_a_judged_set_is_known_by_its_blocks_and_not_by_its_rows() -> None:
    once, shuffled = blocks_of(20, 1), np.random.default_rng(0).permutation(blocks_of(20, 3))
    assert judged_set_id(once) == judged_set_id(shuffled)
    assert judged_set_id(once) != judged_set_id(blocks_of(19, 1))
    assert len(judged_set_id(once)) == 64


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
    return JudgedSet("set", zeros, blocks, answers(), answers(), zeros, None, 0)


def noisy_ranking(source: np.random.Generator, n_blocks: int) -> JudgedSet:
    blocks = blocks_of(n_blocks)
    day = np.repeat(source.normal(size=n_blocks), 10)
    labels = (source.random(blocks.size) < 1.0 / (1.0 + np.exp(-day))).astype(np.float64)

    def answers() -> Floats:
        return labels + day + np.repeat(source.normal(size=n_blocks), 10) + source.normal(size=blocks.size)

    return JudgedSet("set", labels, blocks, answers(), answers(), labels, None, 0)


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
