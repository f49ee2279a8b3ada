"""Is each turn of a rollout told, with what was seen and what answered from then on?"""

from datetime import timedelta

from millrace.domain.facts import (
    BatchQuarantined,
    ChampionPromoted,
    ChampionRolledBack,
    Fact,
    RolloutAborted,
    RolloutAdvanced,
    RolloutStarted,
)
from millrace.domain.ledger import Entry, next_entry
from millrace.domain.rollout.timeline import is_turn, list_turns, timeline_table
from millrace.domain.verdict import Outcome, Verdict
from tests.domain.rollout.rolling import GOOD, MINUTE, NEW, OLD, POLICY, START, evidence_for, started

SEEN = evidence_for(started(), GOOD, START)
ERRORS = Verdict("errors", Outcome.PASS, "0 of 2000 | all well")


def entries(*facts: Fact) -> list[Entry]:
    chain: list[Entry] = []
    for number, fact in enumerate(facts):
        at = START + number * timedelta(seconds=60)
        chain.append(next_entry(chain[-1] if chain else None, at, "ann", "fares", fact))
    return chain


def test_turns_say_what_answered_from_then_on() -> None:
    story = entries(
        RolloutStarted(NEW, OLD, POLICY, 2),
        BatchQuarantined("d", "b", ()),
        RolloutAdvanced(NEW, 1, 5, 3, "well", (ERRORS,), SEEN),
        RolloutAborted(NEW, 4, "it smells"),
    )
    turns = list(list_turns("fares", story))
    assert [(turn.seq, turn.kind, turn.after.weight) for turn in turns] == [
        (1, "RolloutStarted", 0),
        (3, "RolloutAdvanced", 5),
        (4, "RolloutAborted", 0),
    ]
    assert [turn.evidence for turn in turns] == [None, SEEN, None]
    assert turns[1].at == START + 2 * MINUTE
    assert turns[1].verdicts == (ERRORS,)
    assert {turn.after.champion for turn in turns} == {OLD}


def test_the_table_has_a_line_for_each_turn_with_the_numbers_of_both() -> None:
    advanced = RolloutAdvanced(NEW, 1, 5, 3, "well", (ERRORS,), SEEN)
    [_began, turn] = list_turns("fares", entries(RolloutStarted(NEW, OLD, POLICY, 2), advanced))
    lines = timeline_table([turn]).splitlines()
    assert len(lines) == 3
    assert lines[2] == (
        "| 2026-03-01 00:01:00 | ann | bbbbbbbbbbbb answers 5 % of requests, step 2 | canary | 5 % | "
        "2,000 requests, 0 errors, p95 1 ms | 2,000 requests, 0 errors, p95 1 ms | errors pass |"
    )


def test_a_champion_that_was_made_or_withdrawn_without_a_rollout_is_no_turn_of_one() -> None:
    assert is_turn(RolloutStarted(NEW, OLD, POLICY, 2))
    assert is_turn(ChampionPromoted(NEW, OLD, 2, "well", True, (ERRORS,), SEEN))
    assert not is_turn(ChampionPromoted(NEW, OLD, 2, "the gate passed it"))
    assert not is_turn(ChampionRolledBack(OLD, NEW, 3, "by hand"))
    assert not is_turn(BatchQuarantined("d", "b", ()))
