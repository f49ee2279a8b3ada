"""Which of several verdicts counts?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.verdict import Outcome, Verdict, worst_of

SEVERITY = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]


def verdicts(*outcomes: Outcome) -> list[Verdict]:
    return [Verdict(f"rule {place}", outcome, "said") for place, outcome in enumerate(outcomes)]


@given(st.lists(st.sampled_from(Outcome), min_size=1))
def test_the_worst_verdict_is_the_most_severe_one_and_the_first_of_its_kind(outcomes: list[Outcome]) -> None:
    worst = worst_of(verdicts(*outcomes))
    assert worst.outcome is max(outcomes, key=SEVERITY.index)
    assert worst.rule == f"rule {outcomes.index(worst.outcome)}"


def test_no_verdict_at_all_is_no_pass() -> None:
    assert worst_of([]) == Verdict("gate", Outcome.INCONCLUSIVE, "no rule was judged")


@pytest.mark.parametrize("spoiler", [Outcome.INCONCLUSIVE, Outcome.FAIL])
def test_one_verdict_that_is_no_pass_is_enough_to_stay(spoiler: Outcome) -> None:
    assert worst_of(verdicts(Outcome.PASS, spoiler, Outcome.PASS)).outcome is spoiler
