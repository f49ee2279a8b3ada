"""Does a check that broke hide nothing: neither from who releases a batch, nor from the next look at it?"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from millrace.domain.bundle import Schema
from millrace.steps.batch import BatchOutcome, IngestResult
from millrace.steps.poisoning import opinions, screening
from millrace.steps.poisoning.champion import Champion, find_champion
from millrace.steps.quarantine import find_quarantined
from millrace.steps.release import NewFindingsError, release_batch
from tests.conftest import Home
from tests.loop import retrain, take_in
from tests.steps.poisoned import CHARTS, FIRST, MODEL, add_claims, deliver, flip, take, take_weeks, week

LATER = FIRST + timedelta(weeks=20)

BOTH = 'deciding = ["batch", "champion"]'


@pytest.fixture
def claims(home: Home) -> Home:
    add_claims(home, CHARTS)
    take_weeks(home, 6)
    return home


def break_off(_screening: Any, _policy: Any) -> Any:
    raise OSError("the disk is away")


def take_while_broken(monkeypatch: pytest.MonkeyPatch, path: Path) -> IngestResult:
    """Take in a file while the chart of the volume cannot be read."""
    with monkeypatch.context() as patch:
        patch.setitem(screening._CHECKS, "volume", break_off)
        [result] = take_in(MODEL, LATER, [path])
    return result


def told(digest: str) -> set[str]:
    found = find_quarantined(MODEL, digest).fact.violations
    return {one.message.partition(":")[0] for one in found if one.clause == "volume"}


def test_what_a_check_finds_that_was_broken_is_shown_before_it_is_released(
    claims: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = deliver(claims, week(6).head(700), "half.parquet")
    refused = take_while_broken(monkeypatch, half)
    assert told(refused.digest) == {"the check could not be carried out"}
    with pytest.raises(NewFindingsError, match="700 rows, usually 1,400"):
        release_batch(MODEL, refused.digest, "the disk was away", "by hand", LATER)
    [shown] = told(refused.digest)
    assert shown.startswith("700 rows, usually 1,400")
    released = release_batch(MODEL, refused.digest, "half a week", "by hand", LATER)
    assert released.outcome is BatchOutcome.ACCEPTED


def test_a_suspicion_outlives_a_day_on_which_the_check_breaks(
    claims: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = deliver(claims, week(6).head(700), "half.parquet")
    [first] = take_in(MODEL, LATER, [half])
    suspicion = first.violations[0].message
    second = take_while_broken(monkeypatch, half)
    assert [one.message for one in second.violations] == [
        "the check could not be carried out: OSError: the disk is away",
        suspicion,
    ]
    claims.rewrite(MODEL, CHARTS[: CHARTS.index("[poisoning.label_rate]")], "\n")
    [third] = take_in(MODEL, LATER, [half])
    assert [one.message for one in third.violations] == [suspicion]


class Speechless:
    """The champion, but for one row it has no number."""

    def __init__(self, champion: Champion) -> None:
        self._champion = champion

    @property
    def schema(self) -> Schema:
        return self._champion.schema

    def answer(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        answers = np.array(self._champion.answer(frame), dtype=np.float64)
        answers[0] = np.nan
        return answers


@pytest.mark.parametrize("decides", [True, False])
def test_one_row_without_an_answer_does_not_silence_the_champion(
    claims: Home, monkeypatch: pytest.MonkeyPatch, decides: bool
) -> None:
    retrain(MODEL, FIRST + timedelta(weeks=6))
    if decides:
        claims.rewrite(MODEL, 'deciding = ["batch"]', BOTH)
    champion = find_champion(MODEL)
    assert champion is not None
    monkeypatch.setattr(screening, "find_champion", lambda _model: Speechless(champion))
    result = take(claims, week(6), "week-06.parquet", 6)
    why = "labels against the champion: the champion answers 1 of 1,400 rows with no finite number"
    if decides:
        [found] = result.violations
        assert (result.outcome, found.message.endswith(why)) == (BatchOutcome.QUARANTINED, True)
    else:
        assert (result.outcome, result.unjudged) == (BatchOutcome.ACCEPTED, (why,))


def test_another_opinion_of_the_same_labels_is_another_finding(claims: Home) -> None:
    retrain(MODEL, FIRST + timedelta(weeks=6))
    for number in range(6, 12):  # the champion is asked about these
        assert take(claims, week(number), f"week-{number:02}.parquet").outcome is BatchOutcome.ACCEPTED
    refused = take(claims, flip(week(12), 0.2), "week-12.parquet", 12)
    claims.rewrite(MODEL, 'deciding = ["batch"]', BOTH)
    with pytest.raises(NewFindingsError, match=opinions.TOLD[opinions.Opinion.CHAMPION]):
        release_batch(MODEL, refused.digest, "the batch disagrees with itself", "by hand", LATER)
