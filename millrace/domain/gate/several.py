"""What does a rule say that asks several things?"""

from collections.abc import Iterable, Sequence

from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.verdict import Outcome, Verdict, worst_of

_ORDER = [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS]


def say_all(rule: str, parts: Iterable[Verdict], bars: Sequence[Bar] = ()) -> Finding:
    """Join the verdicts of the parts in one line, the worst first: its outcome is the rule's.

    Bars of the parts come after `bars`. No part at all is inconclusive.
    """
    ordered = sorted(parts, key=lambda part: _ORDER.index(part.outcome))
    worst = worst_of(ordered)
    theirs = tuple(bar for part in ordered if isinstance(part, Finding) for bar in part.bars)
    reason = "; ".join(part.reason for part in ordered) or worst.reason
    return Finding(rule, worst.outcome, reason, worst.code, bars=(*bars, *theirs))
