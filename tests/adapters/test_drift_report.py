"""Does Evidently say of counts what it says of the rows, and does one column never end the others?"""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

from millrace.adapters.drift_report import draw_report, score_columns
from millrace.domain.config import ColumnTest, DriftTest
from millrace.domain.drift import Samples, represent
from tests.domain.drift.windows import count, learn, texts

RANDOM = np.random.default_rng(8)
ROWS = 60_000
BOUNDED = [DriftTest.WASSERSTEIN, DriftTest.JENSEN_SHANNON, DriftTest.HELLINGER]


def both_ways(then: np.ndarray, now: np.ndarray, test: DriftTest) -> tuple[float, float]:
    """Return Evidently's score of the counts and of the rows."""
    asked = ColumnTest(test=test, threshold=0.1)
    reference = learn({"x": then})
    counted = count({"x": now}, reference)
    (one,), (other,) = (*reference.numeric, *reference.categorical), (*counted.numeric, *counted.categorical)
    scores = score_columns(
        {"counts": represent(one, other, asked), "rows": Samples(then, now, then.dtype == object, asked)}
    )
    assert isinstance(scores["counts"], float), scores
    assert isinstance(scores["rows"], float), scores
    return scores["counts"], scores["rows"]


@pytest.mark.parametrize("test", BOUNDED)
@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["normal", "bimodal", "inflated", "integers", "few"])
def test_numbers_score_as_their_rows_do(kind: str, shift: float, test: DriftTest) -> None:
    def draw(by: float) -> np.ndarray:
        match kind:
            case "normal":
                return RANDOM.normal(by, 1, ROWS)
            case "bimodal":
                return RANDOM.normal(by, 1, ROWS) + np.where(RANDOM.random(ROWS) < 0.5, -3, 3)
            case "inflated":
                return np.where(RANDOM.random(ROWS) < 0.7 - by / 5, 0.0, RANDOM.exponential(size=ROWS))
            case "integers":
                return RANDOM.poisson(200 + 14 * by, ROWS).astype(float)
            case _:
                return RANDOM.binomial(6, 0.4 + by / 5, ROWS).astype(float)

    counts, rows = both_ways(draw(0.0), draw(shift), test)
    assert abs(counts - rows) < 0.01


@pytest.mark.parametrize("test", [one for one in DriftTest if one is not DriftTest.WASSERSTEIN])
@pytest.mark.parametrize("categories", [3, 100, 1_000])
def test_categories_score_as_their_rows_do(categories: int, test: DriftTest) -> None:
    shares = 1 / np.arange(1, categories + 1)
    other = shares * np.exp(0.4 * RANDOM.normal(size=categories))
    then, now = (texts(RANDOM.choice(categories, ROWS, p=one / one.sum())) for one in (shares, other))
    counts, rows = both_ways(then, now, test)
    assert abs(counts - rows) < (0.01 if categories <= 100 else 0.03)


def test_one_huge_value_does_not_flatten_a_column() -> None:
    then, now = RANDOM.normal(size=ROWS), RANDOM.normal(1, 1, ROWS)
    now[0] = 1e300
    counts, rows = both_ways(then, now, DriftTest.JENSEN_SHANNON)
    assert counts > 0.3
    assert rows < 0.01


def samples(then: np.ndarray, now: np.ndarray, test: DriftTest = DriftTest.JENSEN_SHANNON) -> Samples:
    return Samples(then, now, then.dtype == object, ColumnTest(test=test, threshold=0.1))


NUMBERS = RANDOM.normal(size=500)


def test_a_column_that_cannot_be_compared_is_a_reason_and_ends_no_other() -> None:
    scores = score_columns(
        {
            "good": samples(NUMBERS, NUMBERS),
            "empty": samples(NUMBERS, NUMBERS[:0]),
            "null": samples(NUMBERS, np.full(500, np.nan)),
            "huge": samples(np.array([1.0, 1e308, -1e308]), NUMBERS, DriftTest.WASSERSTEIN),
            "words": samples(NUMBERS, texts(NUMBERS)),
            "measured": samples(texts(NUMBERS), texts(NUMBERS), DriftTest.WASSERSTEIN),
            "also good": samples(texts(NUMBERS > 0), texts(NUMBERS > 0)),
        }
    )
    assert (scores["good"], scores["also good"]) == (0.0, 0.0)
    for name in ("empty", "null"):
        assert scores[name] == "there is no value to compare"
    for name in ("huge", "words", "measured"):
        assert isinstance(scores[name], str), scores
        assert "\n" not in str(scores[name])


def test_nothing_is_warned_of_and_no_setting_is_left_behind() -> None:
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_columns({"x": samples(np.array([1.0, 1e308]), NUMBERS, DriftTest.WASSERSTEIN)})
    assert np.geterr() == before


def test_the_report_draws_every_column_that_can_be_compared() -> None:
    drawn = draw_report(
        {"x": samples(NUMBERS, NUMBERS + 1), "c": samples(texts(NUMBERS > 0), texts(NUMBERS[:90] > 0)),
         "broken": samples(NUMBERS, NUMBERS[:0])}
    )  # fmt: skip
    page, metrics = drawn.html.decode(), json.loads(drawn.json)["metrics"]
    assert [metric["config"]["column"] for metric in metrics] == ["x", "c"]
    assert metrics[0]["value"] == pytest.approx(
        score_columns({"x": samples(NUMBERS, NUMBERS + 1)})["x"], abs=1e-12
    )
    assert "Drift in column" in page
    # what is loaded by itself: addresses within scripts are only texts
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page)


@pytest.mark.parametrize(
    ("odd", "is_scored"),
    # too near each other for a histogram; without a standard deviation, though Evidently would draw it
    [(1e16 + NUMBERS, True), (1e300 * NUMBERS, False)],
)
def test_what_cannot_be_scored_or_drawn_takes_no_other_column_with_it(
    odd: np.ndarray, is_scored: bool
) -> None:
    columns = {"x": samples(NUMBERS, NUMBERS + 1), "odd": samples(odd, odd[:400], DriftTest.WASSERSTEIN)}
    assert isinstance(score_columns(columns)["odd"], float) == is_scored
    metrics = json.loads(draw_report(columns).json)["metrics"]
    assert [metric["config"]["column"] for metric in metrics] == ["x"]


def test_a_report_without_columns_is_a_page_too() -> None:
    assert b"<html" in draw_report({}).html
    assert json.loads(draw_report({}).json)["metrics"] == []


def test_evidently_is_imported_by_nobody_but_who_scores_and_sends_nothing() -> None:
    program = (
        "import os, sys; os.environ.pop('DO_NOT_TRACK', None)\n"
        "import millrace.steps.monitoring.drift, millrace.adapters.drift_report as report\n"
        "assert 'evidently' not in sys.modules\n"
        "report.draw_report({})\n"
        "assert 'evidently' in sys.modules and os.environ['DO_NOT_TRACK'] == '1'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
