"""What is said of something watched when looking at it fails?"""

from collections.abc import Callable
from typing import TypeVar

from millrace.domain.monitoring.findings import Watched
from millrace.domain.verdict import Outcome, Verdict

Found = TypeVar("Found")

_LONGEST = 300


def attempt(look: Callable[[], Found]) -> Found | str:
    """Return what was found, or in one line why nothing was: one thing that breaks ends no monitoring."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - whatever it is, all else that is watched is to be judged
        return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]


def judged(watched: Watched, judge: Callable[[], Verdict]) -> Verdict:
    """Return the verdict, inconclusive where there is none because judging failed."""
    found = attempt(judge)
    return unknown(watched, found) if isinstance(found, str) else found


def unknown(watched: Watched, reason: str) -> Verdict:
    """Return the verdict on what there is no evidence of."""
    return Verdict(watched, Outcome.INCONCLUSIVE, reason)
