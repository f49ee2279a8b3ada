"""Is a broken column ever green?"""

import numpy as np
import pytest

from millrace.domain.config import DriftSection
from millrace.domain.drift import judge_by_rules, pair_columns
from millrace.domain.features import NULL_TEXT
from millrace.domain.monitoring.findings import ColumnFinding
from millrace.domain.verdict import Outcome
from tests.domain.drift.windows import POLICY, count, learn, texts, window

RANDOM = np.random.default_rng(3)
NUMBERS = RANDOM.normal(size=20_000)
WORDS = texts(RANDOM.choice(["a", "b", "c"], 20_000, p=[0.6, 0.35, 0.05]))


def judge(
    then: np.ndarray, now: np.ndarray, policy: DriftSection = POLICY, trouble: str | None = None
) -> ColumnFinding | None:
    reference = learn({"x": then})
    counted = count({"x": now}, reference)
    troubles = {} if trouble is None else {"x": trouble}
    pairs = pair_columns(window(reference), window(counted), troubles, policy)
    return judge_by_rules(pairs, policy).get("x")


def found(then: np.ndarray, now: np.ndarray, trouble: str | None = None) -> tuple[Outcome, str]:
    finding = judge(then, now, trouble=trouble)
    assert finding is not None
    assert (finding.score, finding.chance) == (None, None)
    return finding.outcome, finding.reason


def with_share(share: float, value: object, values: np.ndarray = NUMBERS) -> np.ndarray:
    changed = values[:2_000].copy()
    changed[: int(share * len(changed))] = value
    return changed


def test_a_column_like_the_references_is_left_to_its_distance() -> None:
    assert judge(NUMBERS, NUMBERS[:2_000]) is None
    assert judge(WORDS, WORDS[:2_000]) is None


@pytest.mark.parametrize("rows", [0, 1, 499])
def test_too_few_rows_are_never_judged(rows: int) -> None:
    assert found(NUMBERS, NUMBERS[:rows]) == (Outcome.INCONCLUSIVE, f"{rows} of 500 rows")
    assert found(WORDS, texts(np.arange(rows))) == (Outcome.INCONCLUSIVE, f"{rows} of 500 rows")


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        (NUMBERS, np.full(2_000, np.nan), "nulls in 1 of 2,000 rows, 0 in the reference"),
        (NUMBERS, with_share(0.05, np.nan), "nulls in 0.05 of 2,000 rows, 0 in the reference"),
        (NUMBERS, with_share(0.05, np.inf), "infinite in float32 in 0.05 of 2,000 rows, 0 in the reference"),
        (NUMBERS, with_share(0.05, 1e300), "infinite in float32 in 0.05 of 2,000 rows, 0 in the reference"),
        (NUMBERS, with_share(0.05, 1e30), "values beyond the reference's range in 0.05 of 2,000 rows"),
        (NUMBERS, np.full(2_000, NUMBERS[0]), "nothing but values between 2.0"),
        (WORDS, texts(np.arange(2_000)), "other categories than the reference's in 1 of 2,000 rows"),
        (WORDS, np.full(2_000, NULL_TEXT, dtype=object), "nulls in 1 of 2,000 rows"),
        (
            WORDS,
            np.full(2_000, "b", dtype=object),
            "nothing but b in 2,000 values, 0.644 of the reference's are others",
        ),
        (WORDS, texts(RANDOM.choice(["a", "b"], 2_000)), "category 'c' is lost: 0.0"),
        (np.full(2_000, np.nan), NUMBERS[:2_000], "values beyond the reference's range in 1 of 2,000 rows"),
        (np.full(2_000, 1.5), NUMBERS[:2_000], "values beyond the reference's range in 1 of 2,000 rows"),
    ],
)
def test_what_certainly_differs_fails_without_a_distance(
    then: np.ndarray, now: np.ndarray, reason: str
) -> None:
    outcome, told = found(then, now)
    assert outcome is Outcome.FAIL
    assert reason in told


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        (np.full(2_000, np.nan), np.full(2_000, np.nan), "not one value in 2,000 rows"),
        (
            np.full(2_000, 1.5),
            np.full(2_000, 1.5),
            "nothing but 1.5 in the reference: no spread to compare with",
        ),
        (NUMBERS[:0], NUMBERS[:2_000], "the reference has no rows of it"),
        (NUMBERS[:29], NUMBERS[:2_000], "29 rows in the reference, needed are 30"),
        (WORDS[:29], WORDS[:2_000], "29 rows in the reference, needed are 30"),
    ],
)
def test_what_cannot_be_known_is_inconclusive(then: np.ndarray, now: np.ndarray, reason: str) -> None:
    assert found(then, now) == (Outcome.INCONCLUSIVE, reason)


def test_a_column_that_is_nearly_constant_may_be_constant_by_accident_but_is_not_green() -> None:
    nearly = np.zeros(20_000)
    nearly[:20] = 1
    outcome, reason = found(nearly, np.zeros(500))
    assert outcome is Outcome.INCONCLUSIVE
    assert (
        reason
        == "nothing but 0 in 500 values, 0.001 of the reference's are others: may be an accident, chance 0.61"
    )


def test_a_few_more_nulls_in_a_small_window_are_an_accident() -> None:
    then, now = NUMBERS.copy(), NUMBERS[:500].copy()
    then[: int(0.05 * len(then))] = np.nan
    now[:] = NUMBERS[-500:]
    now[:31] = np.nan  # 6.2 %, where 5 % are usual and 1 % more is allowed
    assert judge(then, now) is None


def test_a_rare_category_that_did_not_come_is_not_lost() -> None:
    then = texts(RANDOM.choice(["a", "b", "rare"], 20_000, p=[0.5, 0.48, 0.02]))
    assert judge(then, texts(RANDOM.choice(["a", "b"], 600))) is None
    assert found(then, texts(RANDOM.choice(["a", "b"], 2_000)))[0] is Outcome.FAIL


def test_a_category_that_a_small_reference_had_by_accident_is_not_lost() -> None:
    then = texts(np.array(["a"] * 59 + ["rare"], dtype=object))
    assert judge(then, texts(np.array(["a", "b"] * 10 + ["a"] * 1_980, dtype=object))) is None


def test_a_column_that_could_not_be_counted_is_inconclusive_with_the_reason() -> None:
    told = found(NUMBERS, NUMBERS[:2_000], trouble="strings now")
    assert told == (Outcome.INCONCLUSIVE, "could not be counted: strings now")


def test_a_missing_and_an_unknown_column_are_told_of() -> None:
    reference = learn({"x": NUMBERS, "c": WORDS})
    counted = count({"x": NUMBERS[:2_000], "c": WORDS[:2_000]}, reference).of(frozenset({"x"}))
    pairs = pair_columns(window(reference), window(counted), {"new": "not in the reference"}, POLICY)
    findings = judge_by_rules(pairs, POLICY)
    assert {name: (one.outcome, one.reason) for name, one in findings.items()} == {
        "c": (Outcome.INCONCLUSIVE, "there is no such column in this window"),
        "new": (Outcome.INCONCLUSIVE, "could not be counted: not in the reference"),
    }


def test_numbers_that_were_categories_have_changed() -> None:
    reference, other = learn({"x": NUMBERS}), learn({"x": WORDS[:2_000]})
    pairs = pair_columns(window(reference), window(other), {}, POLICY)
    finding = judge_by_rules(pairs, POLICY)["x"]
    assert (finding.outcome, finding.reason) == (Outcome.FAIL, "categories now, numbers in the reference")
