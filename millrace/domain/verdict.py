"""What a judgement can say."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The closed set of outcomes. Only `PASS` moves a model."""

    PASS = "pass"  # noqa: S105
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"


_SEVERITY = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}


@dataclass(frozen=True)
class Verdict:
    """The outcome of one rule, with the arithmetic in one line.

    `code` is the kind of reason in one word, for machines; empty where a rule has none. What is `dry_run` is
    told and decides nothing.
    """

    rule: str
    outcome: Outcome
    reason: str
    code: str = ""
    dry_run: bool = False


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most severe verdict that decides; none at all is inconclusive, never a pass."""
    nothing = Verdict("gate", Outcome.INCONCLUSIVE, "no rule was judged")
    deciding = (verdict for verdict in verdicts if not verdict.dry_run)
    return max(deciding, key=lambda verdict: _SEVERITY[verdict.outcome], default=nothing)
