"""How do the parts of one rule become one verdict?"""

from collections.abc import Iterable, Sequence

from millrace.domain.gate.code import USUAL, Code
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.verdict import Outcome, worst_of

_ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


def nothing_to_ask(rule: str, part: str, why: str) -> Finding:
    """Return what is said of a part that asks for what the model has not: it decides nothing."""
    return Finding(rule, Outcome.PASS, f"{part}: nothing to ask, {why}", Code.NOT_ASKED)


def join_parts(rule: str, parts: Iterable[Finding], bars: Sequence[Bar] = ()) -> Finding:
    """Let the worst part decide, and tell of the worse ones first; one that was not asked is no pass.

    Bars of the parts come after `bars`. Where no part was asked nothing is decided.
    """
    told = tuple(parts)
    measured = [part for part in told if part.code != Code.NOT_ASKED]
    worst = worst_of(measured)
    first = sorted(told, key=lambda part: (part.code == Code.NOT_ASKED, _ORDER.index(part.outcome)))
    reason = "; ".join(part.reason for part in first) or worst.reason
    theirs = tuple(bar for part in first for bar in part.bars)
    code = worst.code or (USUAL[worst.outcome] if measured else Code.ABSENT)
    return Finding(rule, worst.outcome, reason, code, bars=(*bars, *theirs))
