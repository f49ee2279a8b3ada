"""Has a column drifted, and has the window?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from millrace.domain.config import ColumnTest, DriftTest, PerformanceSection
from millrace.domain.drift import judge_by_rules, judge_columns, judge_window, pair_columns, represent
from millrace.domain.drift.recount import recount
from millrace.domain.drift.significance import adjusted_chances, chance_of
from millrace.domain.monitoring.findings import DriftFindings, Watched
from millrace.domain.profile import NumericCounts, Profile
from millrace.domain.verdict import Outcome
from tests.domain.drift.windows import NOTHING, POLICY, Arrays, count, learn, texts, window

RANDOM = np.random.default_rng(5)


def normal_columns(rows: int, shifted: int = 0, of: int = 10) -> dict[str, np.ndarray]:
    return {f"x{i}": RANDOM.normal(0.5 if i < shifted else 0.0, 1.0, rows) for i in range(of)}


REFERENCE = learn(normal_columns(20_000))


def judge(inputs: Arrays, scores: dict[str, float | str], policy=POLICY, troubles=None) -> DriftFindings:
    counted = window(count(inputs, REFERENCE))
    pairs = pair_columns(window(REFERENCE), counted, troubles or {}, policy)
    ruled = judge_by_rules(pairs, policy)
    return judge_window(judge_columns(pairs, ruled, scores, policy), counted, policy)


def scores_of(high: int, of: int = 10) -> dict[str, float | str]:
    return {f"x{i}": 0.5 if i < high else 0.01 for i in range(of)}


def test_a_column_drifts_when_it_is_far_and_no_accident() -> None:
    found = judge(normal_columns(2_000, shifted=1), scores_of(high=1))
    assert found.drifted == ("x0",)
    assert found.columns[0].reason.startswith("wasserstein 0.5, threshold 0.1, by accident with chance ")
    assert found.columns[1].outcome is Outcome.PASS
    assert found.share == 0.1


def test_a_distance_that_may_be_an_accident_is_inconclusive() -> None:
    found = judge(normal_columns(2_000), scores_of(high=1))
    assert found.drifted == ()
    assert found.columns[0].outcome is Outcome.INCONCLUSIVE
    assert "at most 0.05 counts as none" in found.columns[0].reason


def test_a_surely_different_column_that_is_near_enough_has_not_drifted() -> None:
    found = judge(normal_columns(2_000, shifted=10), scores_of(high=0))
    assert {one.outcome for one in found.columns} == {Outcome.PASS}


def test_a_column_without_a_distance_is_inconclusive_with_the_reason() -> None:
    found = judge(normal_columns(2_000), {**scores_of(high=0), "x3": "Evidently could not compare it: why"})
    assert found.columns[3].reason == "Evidently could not compare it: why"
    assert found.columns[3].outcome is Outcome.INCONCLUSIVE
    assert judge(normal_columns(2_000), {}).columns[0].reason == "was not measured"


@pytest.mark.parametrize(
    ("drifted", "unknown", "outcome", "reason"),
    [
        (0, 0, Outcome.PASS, "0 of 10 columns have drifted, a share of 0.3 is allowed"),
        (3, 0, Outcome.PASS, "3 of 10 columns have drifted (x0, x1, x2), a share of 0.3 is allowed"),
        (4, 0, Outcome.FAIL, "4 of 10 columns have drifted (x0, x1, x2, x3): a share of 0.3 is allowed"),
        (1, 2, Outcome.PASS, "1 of 8 columns have drifted (x0), a share of 0.3 is allowed"),
        (1, 3, Outcome.INCONCLUSIVE,
         "1 of 7 columns have drifted (x0), 3 could not be judged (x7, x8, x9): a share of 0.3 is allowed"),
        (4, 3, Outcome.FAIL, "4 of 7 columns have drifted (x0, x1, x2, x3): a share of 0.3 is allowed"),
        (0, 10, Outcome.INCONCLUSIVE, "0 of 0 columns have drifted, 10 could not be judged "
         "(x0, x1, x2, x3, x4 and 5 more): a share of 0.3 is allowed"),
    ],
)  # fmt: skip
def test_a_window_fails_by_the_share_of_its_columns_and_never_passes_on_what_is_unknown(
    drifted: int, unknown: int, outcome: Outcome, reason: str
) -> None:
    troubles = {f"x{9 - i}": "no" for i in range(unknown)}
    found = judge(normal_columns(2_000, shifted=drifted), scores_of(high=drifted), troubles=troubles)
    verdict = found.verdicts[0]
    assert (verdict.rule, verdict.outcome, verdict.reason) == ("data drift", outcome, reason)


@pytest.mark.parametrize("rows", [0, 1, 312])
def test_a_window_of_too_few_rows_is_inconclusive(rows: int) -> None:
    found = judge(normal_columns(rows, shifted=10), scores_of(high=10))
    assert (found.verdicts[0].outcome, found.verdicts[0].reason) == (
        Outcome.INCONCLUSIVE, f"{rows} of 500 rows",
    )  # fmt: skip
    assert found.share is None


def test_a_column_whose_chance_cannot_be_had_is_inconclusive_with_the_reason() -> None:
    columns = (
        NumericCounts("x", (0.0, 1.0), counts, (1, 1), 0, 0, 0, 0) for counts in [(90, 90), (300, -20)]
    )
    pairs = pair_columns(*(window(Profile(180, (one,), ())) for one in columns), {}, POLICY)
    [found] = judge_columns(pairs, {}, {"x": 0.0}, POLICY)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "Error: " in found.reason


def test_a_column_may_have_a_test_of_its_own() -> None:
    own = POLICY.model_copy(update={"columns": {"x0": ColumnTest(test=DriftTest.PSI, threshold=0.7)}})
    found = judge(normal_columns(2_000, shifted=2), scores_of(high=2), own)
    assert found.drifted == ("x1",)
    assert (found.columns[0].test, found.columns[0].threshold) == ("psi", 0.7)


def judge_parts(target: Profile, answers: Profile, score: float) -> DriftFindings:
    then = window(REFERENCE, learn({"y": texts(RANDOM.integers(0, 2, 5_000))}), learn({"answer": CHANCES}))
    counted = window(count(normal_columns(2_000), REFERENCE), target, answers)
    pairs = pair_columns(then, counted, {}, POLICY)
    scores = {**scores_of(0), "answer (prediction drift)": score, "y (target drift)": score}
    return judge_window(judge_columns(pairs, judge_by_rules(pairs, POLICY), scores, POLICY), counted, POLICY)


CHANCES = RANDOM.beta(2, 5, 5_000)


def test_answers_and_labels_are_judged_apart_from_the_inputs() -> None:
    target = count(
        {"y": texts(RANDOM.choice([0, 1], 2_000, p=[0.9, 0.1]))}, learn({"y": texts(np.arange(2))})
    )
    answers = count({"answer": CHANCES[:2_000] ** 0.5}, learn({"answer": CHANCES}))
    found = judge_parts(target, answers, 0.4)
    assert [(one.rule, one.outcome) for one in found.verdicts] == [
        ("data drift", Outcome.PASS),
        ("prediction drift", Outcome.FAIL),
        ("target drift", Outcome.FAIL),
    ]
    assert found.verdicts[1].reason.startswith("answer: wasserstein 0.4, threshold 0.1, by accident with")
    assert (found.drifted, found.share) == ((), 0.0)


def test_no_labels_are_never_a_pass() -> None:
    target = count({"y": texts(np.arange(0))}, learn({"y": texts(np.arange(2))}))
    answers = count({"answer": CHANCES[:80]}, learn({"answer": CHANCES}))
    found = judge_parts(target, answers, 0.0)
    assert [(one.outcome, one.reason) for one in found.verdicts[1:]] == [
        (Outcome.INCONCLUSIVE, "answer: 80 of 500 rows"),
        (Outcome.INCONCLUSIVE, "no label came"),
    ]
    assert judge_parts(NOTHING, NOTHING, 0.0).verdicts[1].reason == "no answer came"


def test_the_chances_of_equal_windows_are_evenly_spread() -> None:
    for draw in (
        lambda n: RANDOM.normal(size=n),
        lambda n: np.where(RANDOM.random(n) < 0.5, 0.0, RANDOM.lognormal(size=n)),
        lambda n: texts(RANDOM.integers(0, 40, n)),
    ):
        then = {"x": draw(50_000)}
        reference = learn(then)
        (column,) = (*reference.numeric, *reference.categorical)
        chances = []
        for _ in range(200):
            counted = count({"x": draw(1_500)}, reference)
            chances.append(chance_of(column, (*counted.numeric, *counted.categorical)[0]))
        assert kstest(chances, "uniform").pvalue > 1e-4


def test_values_beyond_the_reference_are_no_accident() -> None:
    values = RANDOM.normal(size=50_000)
    reference, now = learn({"x": values}), values[:2_000].copy()
    usual = chance_of(reference.numeric[0], count({"x": now}, reference).numeric[0])
    tenth = np.sort(now)[200]
    now[now < tenth] = -1e6  # as many rows as before are among the smallest
    other = chance_of(reference.numeric[0], count({"x": now}, reference).numeric[0])
    assert usual is not None
    assert other is not None
    assert usual > 0.01 > other
    without = chance_of(reference.numeric[0], count({"x": now[now >= tenth]}, reference).numeric[0])
    assert without is not None
    assert other < without / 1e6


def test_too_few_values_have_no_chance() -> None:
    reference = learn({"x": RANDOM.normal(size=3)})
    assert chance_of(reference.numeric[0], count({"x": RANDOM.normal(size=2)}, reference).numeric[0]) is None


def test_one_chance_among_many_is_less_telling() -> None:
    alone = adjusted_chances({"x": 0.01})["x"]
    among = adjusted_chances({"x": 0.01, **{f"y{i}": 0.5 for i in range(99)}})["x"]
    assert (alone, among) == (0.01, 0.5)
    assert adjusted_chances({}) == {}


def test_windows_over_other_edges_are_compared_over_those_of_the_first() -> None:
    then, now = RANDOM.normal(size=20_000), RANDOM.normal(0.5, 2, 20_000)
    reference, other = learn({"x": then}), learn({"x": now})
    exact, guessed = count({"x": now}, reference).numeric[0], recount(other.numeric[0], reference.numeric[0])
    assert sum(guessed.counts) + guessed.below + guessed.above == 20_000
    assert np.abs(np.cumsum(exact.counts) - np.cumsum(guessed.counts)).max() < 40
    assert abs(exact.above - guessed.above) < 40
    assert recount(exact, reference.numeric[0]) is exact


def test_what_was_beyond_a_windows_own_range_stays_beyond_that_of_another() -> None:
    learned = RANDOM.uniform(size=20_000)
    now = np.concatenate([learned[:5_000] * 0.9, np.full(200, -7.0), np.full(300, 7.0), [np.nan]])
    counted = count({"x": now}, learn({"x": learned})).numeric[0]
    other = learn({"x": np.append(learned, [-0.5, 1.5])}).numeric[0]
    guessed = recount(counted, other)
    assert (guessed.below, guessed.above, guessed.nulls, sum(guessed.counts)) == (200, 300, 1, 5_000)
    within = learn({"x": np.append(learned[::2], [learned.min(), learned.max()])}).numeric[0]
    assert (recount(counted, within).below, recount(counted, within).above) == (200, 300)


def test_a_window_without_values_within_its_range_can_be_recounted() -> None:
    usual = learn({"x": RANDOM.uniform(size=100)}).numeric[0]
    for now in (np.full(50, np.nan), np.full(50, 9.0), np.full(50, -np.inf)):
        counted = count({"x": now}, learn({"x": np.arange(3.0)})).numeric[0]
        guessed = recount(counted, usual)
        assert (guessed.above, guessed.nulls, guessed.non_finite) == (
            counted.above,
            counted.nulls,
            counted.non_finite,
        )
        assert sum(guessed.counts) == 0


def test_troubles_are_of_inputs_alone() -> None:
    """An answer, a class and a target may be called as an input is."""
    named = {"answer": RANDOM.normal(size=2_000), "y": RANDOM.normal(size=2_000)}
    profile = learn(named)
    part = {name: profile.of(frozenset({name})) for name in named}
    then = window(profile, part["y"], part["answer"])
    pairs = pair_columns(then, then, {"answer": "missing", "y": "hashed"}, POLICY)
    assert [(pair.part, pair.name, pair.trouble) for pair in pairs] == [
        (Watched.DATA, "answer", "missing"),
        (Watched.DATA, "y", "hashed"),
        (Watched.PREDICTIONS, "answer", None),
        (Watched.TARGET, "y", None),
    ]


def test_labels_are_enough_where_performance_says_so() -> None:
    learned = window(NOTHING, learn({"y": texts(RANDOM.integers(0, 2, 5_000))}))
    counted = window(NOTHING, count({"y": texts(RANDOM.integers(0, 2, 120))}, learned.target))

    def why(performance: PerformanceSection | None) -> list[str]:
        pairs = pair_columns(learned, counted, {}, POLICY, performance)
        return [one.reason for one in judge_by_rules(pairs, POLICY).values()]

    asked = PerformanceSection(min_labels=100, max_excess_loss=0.1, confidence=0.95, windows=1)
    assert why(None) == ["120 of 500 rows"]
    assert why(asked) == []
    assert why(asked.model_copy(update={"min_labels": 121})) == ["120 of 121 rows"]


def test_categories_of_another_window_are_kept_or_counted_among_others() -> None:
    first, second = learn({"c": texts(np.arange(3))}), learn({"c": texts(np.array([1, 1, 7, 8, np.nan]))})
    counted = recount(second.categorical[0], first.categorical[0])
    assert counted == replace(
        first.categorical[0], categories=("0", "1", "2"), counts=(0, 0, 0), other=4, nulls=1
    )


VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan])
COLUMNS = st.lists(VALUES | st.floats(-3, 3), min_size=0, max_size=40).map(np.array)


@given(COLUMNS, COLUMNS, COLUMNS, st.sampled_from(DriftTest))
@settings(max_examples=150, deadline=None)
def test_whatever_came_is_judged(
    learned: np.ndarray, then: np.ndarray, now: np.ndarray, test: DriftTest
) -> None:
    """The second of three windows is the reference, as where two kept windows are compared."""
    asked = ColumnTest(test=test, threshold=0.1)
    policy = POLICY.model_copy(update={"min_rows": 1, "numeric": asked})
    for values in (lambda column: column.astype(float), texts):
        reference = learn({"x": values(learned)})
        windows = [window(count({"x": values(column)}, reference)) for column in (then, now)]
        pairs = pair_columns(*windows, {}, policy)
        ruled = judge_by_rules(pairs, policy)
        with np.errstate(all="ignore"):
            for pair in pairs:
                if pair.label not in ruled:
                    samples = represent(pair.reference, pair.current, pair.test)
                    assert len(samples.reference) > 0
                    assert len(samples.current) > 0
        findings = judge_columns(pairs, ruled, {}, policy)
        assert all(one.outcome is not Outcome.PASS for one in findings)
        assert judge_window(findings, windows[1], policy).verdicts[0].outcome is not Outcome.PASS


def test_every_part_has_its_rule() -> None:
    rules = [one.rule for one in judge(normal_columns(2_000), scores_of(0)).verdicts]
    assert rules == [Watched.DATA, Watched.PREDICTIONS, Watched.TARGET]
