"""Is the truth of an answer told beside it, and never made up?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.explanation.truth import Truth, tell_truth
from millrace.domain.kinds import Task

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=1)
ANSWER = AnswerExplanation(
    model="fares", request_id="r1", row=0, rows=1, earlier=0, at=AT, digest="a" * 64, generation=1,
    role="answer", task=Task.REGRESSION, classes=(), logged=(12.5,), error=None, again=None, trouble=None,
    inputs=(), difference=None, tolerance=1e-4, hidden=(), unlogged=(), damages=0,
)  # fmt: skip
BINARY = replace(ANSWER, task=Task.BINARY, classes=("no", "yes"), logged=(0.25,))
SEVERAL = replace(ANSWER, task=Task.MULTICLASS, classes=("air", "sea", "road"), logged=(0.5, 0.3, 0.2))


@pytest.mark.parametrize(
    ("found", "label", "told"),
    [
        (ANSWER, 12.0, "The truth was 12, told 2026-03-02 12:00 UTC: the answer was 0.5 too high."),
        (ANSWER, 14.0, "The truth was 14, told 2026-03-02 12:00 UTC: the answer was 1.5 too low."),
        (ANSWER, "14", "The truth was 14, told 2026-03-02 12:00 UTC: the answer was 1.5 too low."),
        (ANSWER, 12.5, "The truth was 12.5, told 2026-03-02 12:00 UTC: the answer was exactly that."),
        (ANSWER, "nan", "The truth was nan, told 2026-03-02 12:00 UTC."),
        (ANSWER, "much", "The truth was much, told 2026-03-02 12:00 UTC."),
        (replace(ANSWER, logged=None), 12.0, "The truth was 12, told 2026-03-02 12:00 UTC."),
        (BINARY, "yes", "The truth was yes, told 2026-03-02 12:00 UTC: the answer gave it 0.2500."),
        (BINARY, "no", "The truth was no, told 2026-03-02 12:00 UTC: the answer gave it 0.7500."),
        (SEVERAL, "sea", "The truth was sea, told 2026-03-02 12:00 UTC: the answer gave it 0.3000."),
        (
            SEVERAL,
            "rail",
            "The truth was rail, told 2026-03-02 12:00 UTC, which is none of the classes that "
            "the version knows.",
        ),
    ],
)
def test_a_truth_stands_beside_what_was_answered(
    found: AnswerExplanation, label: str | float, told: str
) -> None:
    assert tell_truth(replace(found, truth=Truth(label, LATER))) == told


def test_what_has_not_come_is_said_and_when_to_expect_it() -> None:
    assert tell_truth(ANSWER) == "Its label is not there yet."
    assert tell_truth(replace(ANSWER, label_due=LATER)) == (
        "Its label is not there yet; by data.label_delay it is expected by 2026-03-02 12:00 UTC."
    )
