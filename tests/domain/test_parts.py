"""The worst part of a rule decides; what was not asked is told, and passes nothing."""

from millrace.domain.gate.code import Code
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.parts import join_parts, nothing_to_ask
from millrace.domain.verdict import Outcome

GOOD = Finding("r", Outcome.PASS, "good", bars=(Bar("g", 1.0),))
UNSURE = Finding("r", Outcome.INCONCLUSIVE, "unsure", Code.TOO_FEW)
BAD = Finding("r", Outcome.FAIL, "bad", bars=(Bar("b", 2.0),))
NOTHING = nothing_to_ask("r", "noise", "no feature is a number")


def test_the_worst_decides_and_is_told_first() -> None:
    found = join_parts("r", [NOTHING, GOOD, UNSURE, BAD])
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.MISSED)
    assert found.reason == "bad; unsure; good; noise: nothing to ask, no feature is a number"
    assert [bar.name for bar in found.bars] == ["b", "g"]


def test_the_kind_of_reason_is_that_of_the_part_that_decides() -> None:
    assert join_parts("r", [GOOD, UNSURE]).code == Code.TOO_FEW
    assert join_parts("r", [GOOD, NOTHING]).code == Code.CLEARED


def test_nothing_asked_and_nothing_at_all_are_no_pass() -> None:
    for parts in ([NOTHING], []):
        found = join_parts("r", parts)
        assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.ABSENT)
        assert found.reason
