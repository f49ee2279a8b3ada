"""The page of a replay: who is who in its charts, and what it says at its head."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from millrace.adapters.policy_report import render_policies
from millrace.domain.config import Metric
from millrace.domain.replay import PolicyResult, ReplayResult, StretchLoss
from millrace.domain.replay.comparison import Asked, Gap

START = datetime(2013, 1, 1, tzinfo=UTC)
MADE = datetime(2013, 6, 1, tzinfo=UTC)


def policy(name: str, loss: float, behind: Gap | None) -> PolicyResult:
    stretches = tuple(
        StretchLoss(START + week * timedelta(weeks=1), START + (week + 1) * timedelta(weeks=1), 9, loss)
        for week in range(2)
    )
    return PolicyResult(name, (), stretches, (), loss, answered=18, behind=behind)


def test_policies_of_one_colour_are_told_apart_by_their_lines_and_chance_is_no_winner() -> None:
    names = ("one", "two", "three", "four", "five", "six")
    policies = [policy(name, 0.2 + number / 100, None) for number, name in enumerate(names)]
    policies = [policies[0], *(replace(one, behind=Gap(0.1, -0.1, 0.3, 9)) for one in policies[1:])]
    result = ReplayResult(
        "fares", Metric.BRIER, START, START + timedelta(weeks=2), 604_800.0, 18, tuple(policies), Asked(18)
    )
    page = render_policies(result, MADE)
    samples = [line for line in page.splitlines() if '<li><svg class="line"' in line]
    assert len(samples) == len(set(samples)) == len(names)
    assert [("7 3" in line) for line in samples] == [False] * 4 + [True] * 2
    assert "<h1>No difference in Brier score can be shown between one (0.2)" in page
    assert "two: 0.1 behind one (9 stretches, -0.1 to 0.3 at 95 % confidence)" in page
    assert "Compared over 18 of 18 rows" in page
    assert page.count("Brier score, lower is better") >= 3
    assert "would have lost the least" not in page
