"""Does a planted shift raise its column's alarm, does nothing else, and does a broken column ever pass?"""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.config import ColumnTest, DriftTest
from millrace.domain.features import NULL_TEXT
from millrace.domain.monitoring.findings import DriftFindings
from millrace.domain.profile import NumericCounts
from millrace.domain.verdict import Outcome
from millrace.steps.monitoring.drift import compare_windows, draw_drift
from tests.domain.drift.windows import POLICY, count, learn, texts, window

ROWS = 2_000
CATEGORIES = (3, 10, 30, 100)
BINNED = POLICY.model_copy(update={"numeric": ColumnTest(test=DriftTest.JENSEN_SHANNON, threshold=0.1)})


def draw(random: np.random.Generator, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Return twenty columns: light and long tails, many zeros, whole numbers, words."""
    columns: dict[str, np.ndarray] = {}
    for place, categories in enumerate(CATEGORIES):
        columns[f"normal{place}"] = random.normal(size=rows)
        columns[f"waiting{place}"] = random.exponential(size=rows)
        columns[f"paid{place}"] = np.where(random.random(rows) < 0.6, 0.0, random.lognormal(size=rows))
        columns[f"counted{place}"] = random.poisson(5, rows).astype(float)
        columns[f"word{place}"] = texts(random.integers(0, categories, rows))
    return columns


LEARNED = draw(np.random.default_rng(1), 20_000)
REFERENCE = learn(LEARNED)
NUMBERS = [name for name in LEARNED if not name.startswith("word")]


def look(columns: dict[str, np.ndarray], policy=POLICY) -> DriftFindings:
    return compare_windows(window(REFERENCE), window(count(columns, REFERENCE)), {}, policy)


def failed(found: DriftFindings) -> list[str]:
    return [one.column for one in found.columns if one.outcome is Outcome.FAIL]


def equal_windows(windows: int, policy=POLICY) -> Iterator[DriftFindings]:
    random = np.random.default_rng(2)
    for _ in range(windows):
        yield look(draw(random), policy)


def shifted_windows(windows: int) -> Iterator[tuple[str, DriftFindings]]:
    random = np.random.default_rng(3)
    for place in range(windows):
        name, columns = NUMBERS[place % len(NUMBERS)], draw(random)
        columns[name] = columns[name] + 0.5 * LEARNED[name].std()
        yield name, look(columns)


@pytest.mark.parametrize("policy", [POLICY, BINNED], ids=["wasserstein", "jensenshannon"])
def test_of_200_equal_windows_at_most_one_in_twenty_raises_any_alarm(policy) -> None:
    found = list(equal_windows(200, policy))
    assert sum(bool(failed(one)) for one in found) <= 10
    assert {one.verdicts[0].outcome for one in found} == {Outcome.PASS}


def test_half_a_deviation_in_one_of_twenty_columns_is_seen() -> None:
    looked = list(shifted_windows(60))
    assert sum(failed(found) == [name] for name, found in looked) >= 57
    assert {(found.share, found.verdicts[0].outcome) for _, found in looked} == {(0.05, Outcome.PASS)}


BROKEN = {
    "normal0": np.full(ROWS, np.nan),
    "normal1": np.full(ROWS, 0.1),
    "normal2": np.full(ROWS, 1e300),
    "normal3": np.full(ROWS, np.inf),
    "waiting0": np.where(np.arange(ROWS) % 10 == 0, np.nan, LEARNED["waiting0"][:ROWS]),
    "waiting1": np.where(np.arange(ROWS) % 10 == 0, -1e300, LEARNED["waiting1"][:ROWS]),
    "paid0": np.zeros(ROWS),
    "word0": np.full(ROWS, NULL_TEXT, dtype=object),
    "word1": texts(np.arange(ROWS)),
    "word2": np.full(ROWS, "7", dtype=object),
}


def test_every_broken_column_fails_and_the_others_are_judged() -> None:
    found = look({**draw(np.random.default_rng(4)), **BROKEN})
    assert failed(found) == [one.column for one in found.columns if one.column in BROKEN]
    assert {one.outcome for one in found.columns if one.column not in BROKEN} == {Outcome.PASS}
    assert (found.share, found.verdicts[0].outcome) == (0.5, Outcome.FAIL)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_window_of_no_or_one_row_is_inconclusive_throughout(rows: int) -> None:
    found = look({name: values[:rows] for name, values in LEARNED.items()})
    assert {one.outcome for one in found.columns} == {Outcome.INCONCLUSIVE}
    assert {one.outcome for one in found.verdicts} == {Outcome.INCONCLUSIVE}
    assert found.verdicts[0].reason == f"{rows} of 500 rows"


def test_missing_uncounted_and_unknown_columns_are_inconclusive() -> None:
    seen = frozenset(REFERENCE.names) - {"normal0", "word0"}
    counted = count(draw(np.random.default_rng(5)), REFERENCE).of(seen)
    troubles = {"normal0": "missing in 3 of 2,000 rows", "brand_new": "not in the reference"}
    found = compare_windows(window(REFERENCE), window(counted), troubles, POLICY)
    undecided = {one.column: one.reason for one in found.columns if one.outcome is Outcome.INCONCLUSIVE}
    assert undecided == {
        "normal0": "could not be counted: missing in 3 of 2,000 rows",
        "word0": "there is no such column in this window",
        "brand_new": "could not be counted: not in the reference",
    }


def test_a_column_that_only_the_second_window_has_is_inconclusive() -> None:
    columns = {**draw(np.random.default_rng(5)), "brand_new": np.ones(ROWS)}
    found = compare_windows(window(REFERENCE), window(learn(columns)), {}, POLICY)
    undecided = {one.column: one.reason for one in found.columns if one.outcome is Outcome.INCONCLUSIVE}
    assert undecided == {"brand_new": "there is no such column in the first window, the reference"}


@pytest.mark.parametrize("test", [DriftTest.JENSEN_SHANNON, DriftTest.PSI, DriftTest.KL_DIVERGENCE])
def test_a_column_that_breaks_the_comparison_ends_no_other(test: DriftTest) -> None:
    """Edges whose distance no float holds, and counts that do not fit theirs, as of a file that rotted."""
    counts, too_many = (1, 1_999), (1, 1, 1)
    broken = {
        "wide": NumericCounts("wide", (-1.7e308, 1.7e308), counts, (1, 1), 0, 0, 0, 0),
        "uneven": NumericCounts("uneven", (0.0, 1.0), counts, too_many, 0, 0, 0, 0),
    }
    policy = POLICY.model_copy(update={"numeric": ColumnTest(test=test, threshold=0.1)})
    now = count(draw(np.random.default_rng(8)), REFERENCE)
    then, both = (replace(one, numeric=(*one.numeric, *broken.values())) for one in (REFERENCE, now))
    with np.errstate(all="ignore"):
        found = compare_windows(window(then), window(both), {}, policy)
        drawn = draw_drift(window(then), window(both), {}, policy)
    undecided = {one.column: one for one in found.columns if one.outcome is Outcome.INCONCLUSIVE}
    assert undecided.keys() == broken.keys()
    assert all("Error: " in one.reason for one in undecided.values())
    assert b"normal0" in drawn.json


def test_windows_of_two_references_can_be_compared() -> None:
    random = np.random.default_rng(6)
    usual, shifted = draw(random, 20_000), draw(random, 20_000)
    shifted["normal0"] = shifted["normal0"] + 0.5
    found = compare_windows(window(REFERENCE), window(learn(shifted)), {}, POLICY)
    assert failed(found) == ["normal0"]
    assert failed(compare_windows(window(learn(usual)), window(REFERENCE), {}, POLICY)) == []


def test_what_is_drawn_is_what_was_measured() -> None:
    columns = {**draw(np.random.default_rng(7)), **BROKEN}
    counted = window(count(columns, REFERENCE))
    drawn = draw_drift(window(REFERENCE), counted, {}, POLICY)
    found = {metric["config"]["column"]: metric["value"] for metric in json.loads(drawn.json)["metrics"]}
    measured = compare_windows(window(REFERENCE), counted, {}, POLICY)
    assert found == pytest.approx(
        {one.column: one.score for one in measured.columns if one.score is not None}
    )
    assert b"Drift in column" in drawn.html
