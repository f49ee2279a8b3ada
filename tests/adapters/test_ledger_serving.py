"""Does what serves change only from what was seen, and go back through history?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from millrace.adapters.ledger import Ledger, StaleGenerationError
from millrace.domain.facts import AlertSent, ChampionPromoted, ChampionRolledBack
from millrace.domain.serving import (
    NothingToRollBackToError,
    Serving,
    plan_promotion,
    plan_rollback,
    standing_champions,
)

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def change(ledger: Ledger, fact: ChampionPromoted | ChampionRolledBack) -> None:
    ledger.change_serving("fares", fact, NOON, "ann", seen=ledger.serving("fares").generation)


def promote(ledger: Ledger, digest: str) -> None:
    change(ledger, plan_promotion(ledger.serving("fares"), digest, "passed"))


def roll_back(ledger: Ledger) -> None:
    standing = standing_champions(entry.fact for entry in ledger.entries("fares"))
    change(ledger, plan_rollback(ledger.serving("fares"), standing, "worse"))


def test_a_promotion_serves_and_is_found_by_its_generation(ledger: Ledger) -> None:
    promote(ledger, "A")
    ledger.append("fares", AlertSent(1), NOON, "ann")
    promote(ledger, "B")
    assert ledger.serving("fares") == Serving("fares", 2, "B", "A")
    assert ledger.list_serving() == [Serving("fares", 2, "B", "A")]
    first, second = ledger.entry_at_generation("fares", 1), ledger.entry_at_generation("fares", 2)
    assert first is not None
    assert second is not None
    assert (first.seq, second.seq) == (1, 3)


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_a_stale_generation_changes_nothing(ledger: Ledger, seen: int) -> None:
    promote(ledger, "A")
    promote(ledger, "B")
    late = ChampionPromoted("C", "A", seen + 1, "passed")
    with pytest.raises(StaleGenerationError, match=f"from generation {seen}, but generation 2 serves"):
        ledger.change_serving("fares", late, NOON, "ann", seen=seen)
    assert ledger.serving("fares") == Serving("fares", 2, "B", "A")
    assert len(ledger.entries()) == 2


def test_a_change_planned_from_an_older_generation_is_stale_whatever_was_seen(ledger: Ledger) -> None:
    promote(ledger, "A")
    promote(ledger, "B")
    with pytest.raises(StaleGenerationError, match="from generation 1, but generation 2 serves"):
        ledger.change_serving("fares", ChampionPromoted("C", "A", 2, "passed"), NOON, "ann", seen=2)
    assert ledger.serving("fares").champion == "B"


def test_a_first_champion_from_an_imagined_generation_is_stale(ledger: Ledger) -> None:
    with pytest.raises(StaleGenerationError, match="from generation 4, but generation 0 serves"):
        ledger.change_serving("fares", ChampionPromoted("A", None, 5, "passed"), NOON, "ann", seen=4)
    assert (ledger.serving("fares").champion, ledger.entries()) == (None, [])


def test_of_fifty_promotions_from_one_generation_one_is_made(
    ledger: Ledger, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    for seen in (0, 1):
        outcomes = fifty_at_once(
            lambda number, seen=seen: ledger.change_serving(  # type: ignore[misc]
                "fares", ChampionPromoted(f"c{number}", None, seen + 1, "passed"), NOON, "ann", seen
            )
        )
        assert sum(isinstance(outcome, StaleGenerationError) for outcome in outcomes) == 49
        assert (ledger.serving("fares").generation, len(ledger.entries())) == (seen + 1, seen + 1)


def test_what_serves_changes_only_by_change_serving(ledger: Ledger) -> None:
    with pytest.raises(TypeError, match="ChampionPromoted changes what serves"):
        ledger.append("fares", ChampionPromoted("A", None, 1, "passed"), NOON, "ann")
    assert ledger.entries() == []


def test_two_rollbacks_after_three_promotions_give_the_second_then_the_first_and_never_the_third(
    ledger: Ledger,
) -> None:
    for digest in "ABC":
        promote(ledger, digest)
    served = []
    for _ in range(2):
        roll_back(ledger)
        served.append(ledger.serving("fares").champion)
    assert served == ["B", "A"]
    assert ledger.serving("fares").generation == 5
    with pytest.raises(NothingToRollBackToError, match="nothing to roll back to"):
        roll_back(ledger)
