"""What does an offline rollback make of a pointer, and the ledger of it?"""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.facts import ChampionPromoted, ChampionRolledBack, OfflineRollbackOvertaken, ServingFact
from millrace.domain.offline_rollback import (
    REACH,
    NoEarlierChampionNamedError,
    name_reachable,
    plan_entries,
    plan_offline_rollback,
)
from millrace.domain.pointer import WHOLE, Arm, ArmRole, Pointer
from millrace.domain.serving import (
    Serving,
    plan_promotion,
    plan_rollback,
    serving_after,
    standing_champions,
)

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def promoted(*digests: str) -> list[ServingFact]:
    facts: list[ServingFact] = []
    for digest in digests:
        facts.append(plan_promotion(serving(facts), digest, "passed"))
    return facts


def serving(facts: list[ServingFact]) -> Serving:
    return serving_after(Serving("fares"), facts[-1]) if facts else Serving("fares")


def published(facts: list[ServingFact]) -> Pointer:
    """Return the pointer that follows from a history."""
    now = serving(facts)
    arms = (Arm(str(now.champion), ArmRole.ANSWER, WHOLE),)
    previous = name_reachable(standing_champions(facts))
    return Pointer("fares", now.generation, arms, "f" * 64, previous=previous)


def back(pointer: Pointer, times: int = 1) -> Pointer:
    for _ in range(times):
        pointer = plan_offline_rollback(pointer, "it overcharges", "ada", NOON)
    return pointer


def entered(pointer: Pointer, facts: list[ServingFact]) -> list[ServingFact]:
    """Return a history after all that the pointer says was entered."""
    return [*facts, *(fact for _, fact in plan_entries(pointer.offline, serving(facts), facts))]


def test_the_champion_before_answers_alone_in_a_newer_generation() -> None:
    before = published(promoted("a", "b", "c"))
    after = back(before)
    assert after.arms == (Arm("b", ArmRole.ANSWER, WHOLE),)
    assert after.order > before.order
    assert (after.previous, after.ledger_head) == (("a",), before.ledger_head)
    [made] = after.offline
    assert (made.digest, made.withdrawn, made.generation) == ("b", "c", 4)
    assert (made.reason, made.actor, made.at) == ("it overcharges", "ada", NOON)


def test_two_in_a_row_go_two_back_and_a_third_has_nowhere_to_go() -> None:
    twice = back(published(promoted("a", "b", "c")), 2)
    assert (twice.champion, [made.withdrawn for made in twice.offline]) == ("a", ["c", "b"])
    with pytest.raises(NoEarlierChampionNamedError, match="names no champion before a") as caught:
        back(twice)
    assert (caught.value.model, caught.value.champion) == ("fares", "a")


def test_a_pointer_names_at_most_three_earlier_champions_newest_first() -> None:
    assert REACH == 3
    assert published(promoted(*"abcdef")).previous == ("e", "d", "c")
    assert published(promoted("a")).previous == ()


def test_when_is_written_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    [made] = plan_offline_rollback(published(promoted("a", "b")), "x", "ada", there).offline
    assert made.at.isoformat() == "2013-04-01T12:00:00+00:00"


def test_it_is_adopted_above_both_generations_with_who_when_and_why() -> None:
    history = promoted("a", "b", "c")
    pointer = back(published(history))
    [(made, fact)] = plan_entries(pointer.offline, serving(history), history)
    assert made.actor == "ada"
    reason = "offline at 2013-04-01 12:00 UTC: it overcharges"
    assert fact == ChampionRolledBack("b", "c", 5, reason, 4)


def test_a_champion_that_came_meanwhile_stays_and_the_withdrawn_one_never_returns() -> None:
    history = promoted("a", "b", "c")
    pointer = back(published(history))
    history.append(plan_promotion(serving(history), "d", "passed"))
    after = entered(pointer, history)
    assert after[-1] == OfflineRollbackOvertaken(
        champion="d",
        previous="c",
        withdrawn="c",
        generation=5,
        offline_generation=4,
        reason="offline at 2013-04-01 12:00 UTC: it overcharges",
        finding="d had taken its place in the ledger",
    )
    assert (serving(after).champion, serving(after).generation) == ("d", 5)
    assert standing_champions(after) == ("a", "b", "d")
    assert plan_rollback(serving(after), standing_champions(after), "too").digest == "b"


def test_of_two_the_second_is_adopted_where_the_ledger_had_done_the_first_itself() -> None:
    history = promoted("a", "b", "c")
    pointer = back(published(history), 2)
    history.append(plan_rollback(serving(history), standing_champions(history), "by hand"))
    first, second = entered(pointer, history)[-2:]
    assert isinstance(first, OfflineRollbackOvertaken)
    assert isinstance(second, ChampionRolledBack)
    assert (second.digest, second.generation) == ("a", 7)
    assert standing_champions(entered(pointer, history)) == ("a",)


def test_a_target_that_the_ledger_would_not_go_back_to_is_not_adopted() -> None:
    pointer = back(published(promoted("a", "b")))
    restored: list[ServingFact] = [ChampionPromoted("b", None, 1, "passed")]
    [*_, fact] = entered(pointer, restored)
    assert isinstance(fact, OfflineRollbackOvertaken)
    assert fact.finding == "the ledger does not go back to a from it"
    assert (fact.champion, standing_champions(entered(pointer, restored))) == ("b", ("b",))


@given(st.integers(2, 6), st.integers(1, REACH), st.integers(0, REACH))
def test_entered_late_or_in_pieces_it_is_what_as_many_rollbacks_with_the_ledger_are(
    champions: int, times: int, died_after: int
) -> None:
    history, times = promoted(*"abcdef"[:champions]), min(times, champions - 1)
    pointer = back(published(history), times)
    online = list(history)
    for _ in range(times):
        online.append(plan_rollback(serving(online), standing_champions(online), "by hand"))
    partly = entered(pointer, history)[: champions + died_after]
    after = entered(pointer, partly)
    assert standing_champions(after) == standing_champions(online)
    assert serving(after).champion == serving(online).champion == pointer.champion
    assert entered(pointer, after) == after
    generations = [fact.generation for fact in after]
    assert generations == sorted(set(generations))
    assert published(after).order > pointer.order
    assert published(after).offline == ()
