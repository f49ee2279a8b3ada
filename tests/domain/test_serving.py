"""Which champions can answer again, and what serves after each change?"""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.facts import AlertSent, ChampionPromoted, ChampionRolledBack, Fact
from millrace.domain.serving import (
    NothingToRollBackToError,
    Serving,
    plan_promotion,
    plan_rollback,
    serving_after,
    standing_champions,
)


@dataclass(frozen=True)
class Promote:
    """One promotion of a history; its digest is its place in it."""


@dataclass(frozen=True)
class RollBack:
    """One rollback, left out where there is nothing to roll back to."""


def live(steps: list[Promote | RollBack]) -> tuple[list[Fact], list[Serving]]:
    """Live a history through; return its facts and what served after each."""
    facts: list[Fact] = []
    served = [Serving("fares")]
    for number, step in enumerate(steps):
        standing = standing_champions(facts)
        if isinstance(step, Promote):
            fact: ChampionPromoted | ChampionRolledBack = plan_promotion(served[-1], f"c{number}", "passed")
        elif len(standing) > 1:
            fact = plan_rollback(served[-1], standing, "worse")
        else:
            continue
        facts.extend([fact, AlertSent(number)])
        served.append(serving_after(served[-1], fact))
    return facts, served


histories = st.lists(st.sampled_from([Promote(), RollBack()]), max_size=30).map(live)


@given(histories)
def test_what_serves_is_the_last_of_the_standing_champions(history: tuple[list[Fact], list[Serving]]) -> None:
    facts, served = history
    assert served[-1].champion == (standing_champions(facts) or (None,))[-1]


@given(histories)
def test_each_change_is_one_generation(history: tuple[list[Fact], list[Serving]]) -> None:
    _, served = history
    assert [serving.generation for serving in served] == list(range(len(served)))


@given(histories)
def test_previous_is_what_served_before(history: tuple[list[Fact], list[Serving]]) -> None:
    _, served = history
    for before, after in pairwise(served):
        assert after.previous == before.champion


@given(histories)
def test_a_withdrawn_version_never_returns_by_a_rollback(history: tuple[list[Fact], list[Serving]]) -> None:
    facts, _ = history
    withdrawn: set[str] = set()
    for fact in facts:
        if isinstance(fact, ChampionRolledBack):
            withdrawn.add(fact.withdrawn)
            assert fact.digest not in withdrawn
    assert withdrawn.isdisjoint(standing_champions(facts))


@given(histories)
def test_rolling_back_to_the_end_serves_the_standing_champions_backwards(
    history: tuple[list[Fact], list[Serving]],
) -> None:
    facts, served = history
    standing, serving, answered = standing_champions(facts), served[-1], []
    for left in range(len(standing), 1, -1):
        serving = serving_after(serving, plan_rollback(serving, standing[:left], "worse"))
        answered.append(serving.champion)
    assert answered == list(reversed(standing[:-1]))


def test_two_rollbacks_after_three_promotions_give_the_second_then_the_first() -> None:
    _, served = live([Promote(), Promote(), Promote(), RollBack(), RollBack(), RollBack()])
    assert [serving.champion for serving in served[4:]] == ["c1", "c0"]


def test_a_version_promoted_again_after_its_withdrawal_stands_again() -> None:
    first = plan_promotion(Serving("fares"), "A", "passed")
    second = plan_promotion(Serving("fares", 1, "A"), "B", "passed")
    back = plan_rollback(Serving("fares", 2, "B", "A"), ("A", "B"), "worse")
    again = plan_promotion(Serving("fares", 3, "A", "B"), "B", "fixed")
    assert standing_champions([first, second, back, again]) == ("A", "B")


@pytest.mark.parametrize(
    ("serving", "standing", "reason"),
    [
        (Serving("fares"), (), "it has no champion"),
        (Serving("fares", 1, "A"), ("A",), "champion A is its first"),
    ],
)
def test_without_an_earlier_champion_there_is_nothing_to_roll_back_to(
    serving: Serving, standing: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(NothingToRollBackToError, match=f"fares: nothing to roll back to, {reason}"):
        plan_rollback(serving, standing, "worse")
