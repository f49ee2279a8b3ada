"""Who answered when, and does the line show each of them?"""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.facts import (
    AutomationPaused,
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    OfflineRollbackOvertaken,
)
from millrace.domain.ledger import Entry, next_entry
from millrace.site.reigns import Reign, list_reigns
from millrace.site.timeline import lay_out
from tests.conftest import NOON

A, B = "a" * 64, "b" * 64


def entries(*facts: Fact) -> list[Entry]:
    found: list[Entry] = []
    for hour, fact in enumerate(facts):
        at = NOON + timedelta(hours=hour)
        found.append(next_entry(found[-1] if found else None, at, "ada", "fares", fact))
    return found


def reigns(*starts: datetime) -> list[Reign]:
    return [
        Reign(A, number, start, None, "ada", is_return=False, reason="")
        for number, start in enumerate(starts)
    ]


def test_a_champion_that_comes_back_has_a_second_reign_and_the_one_between_says_why_it_went() -> None:
    found = list_reigns(
        entries(
            ChampionPromoted(A, None, 1, "better"),
            AutomationPaused("no matter"),
            ChampionPromoted(B, A, 2, "better still"),
            ChampionRolledBack(A, B, 3, "answers 1.0"),
        )
    )
    assert [(one.digest, one.is_return, one.withdrawn_because) for one in found] == [
        (A, False, None),
        (B, False, "answers 1.0"),
        (A, True, None),
    ]
    assert [one.until for one in found] == [NOON + timedelta(hours=2), NOON + timedelta(hours=3), None]


def test_an_offline_rollback_that_came_too_late_ends_no_reign_and_says_why_its_version_is_withdrawn() -> None:
    found = list_reigns(
        entries(
            ChampionPromoted(A, None, 1, "better"),
            ChampionPromoted(B, A, 2, "better still"),
            OfflineRollbackOvertaken(B, None, A, 4, 3, "offline: answers 1.0", "B had taken its place"),
        )
    )
    assert [(one.digest, one.withdrawn_because) for one in found] == [(A, "offline: answers 1.0"), (B, None)]
    assert [one.until for one in found] == [NOON + timedelta(hours=1), None]


def test_an_offline_rollback_of_todays_champion_that_was_overtaken_leaves_it_as_it_is() -> None:
    overtaken = OfflineRollbackOvertaken(A, None, A, 3, 2, "offline", "the ledger does not go back")
    found = list_reigns(entries(ChampionPromoted(A, None, 1, "better"), overtaken))
    assert [(one.digest, one.until, one.withdrawn_because) for one in found] == [(A, None, None)]


def test_nobody_has_answered_yet() -> None:
    assert list_reigns([]) == ()
    assert lay_out([], NOON).bars == ()


def test_bars_are_as_long_as_the_reigns_they_stand_for() -> None:
    timeline = lay_out(reigns(NOON, NOON + timedelta(days=3)), NOON + timedelta(days=4))
    assert [bar.width for bar in timeline.bars] == pytest.approx([75.0, 25.0])
    assert not timeline.is_cut


def test_the_champion_of_today_takes_half_of_the_line_at_most() -> None:
    timeline = lay_out(reigns(NOON, NOON + timedelta(days=1)), NOON + timedelta(days=400))
    assert [bar.width for bar in timeline.bars] == pytest.approx([50.0, 50.0])
    assert timeline.is_cut


def test_a_champion_of_a_minute_is_seen() -> None:
    starts = (NOON, NOON + timedelta(days=30), NOON + timedelta(days=30, minutes=1))
    timeline = lay_out(reigns(*starts), NOON + timedelta(days=60))
    assert timeline.bars[1].width > 1.9
    assert [bar.room for bar in timeline.bars] == ["all", "none", "all"]


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=300), st.integers(-20_000, 20_000))
def test_whatever_the_clocks_said_every_bar_is_seen_and_they_fill_the_line(
    hours: list[int], now: int
) -> None:
    starts = (NOON + timedelta(hours=hour) for hour in hours)
    bars = lay_out(reigns(*starts), NOON + timedelta(hours=now)).bars
    assert len(bars) == len(hours)
    assert all(bar.width > 0.1 for bar in bars)
    assert bars[0].start == 0
    assert all(before.start + before.width == pytest.approx(after.start) for before, after in pairwise(bars))
    assert bars[-1].start + bars[-1].width == pytest.approx(100)
