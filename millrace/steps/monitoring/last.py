"""Up to when has somebody looked at a model?"""

from datetime import datetime

from millrace.domain.facts import CROWNING_KINDS, WindowMonitored
from millrace.steps.stores import ledger


def find_last_look(model: str) -> datetime | None:
    """Return up to when somebody has looked, or since when there is something to look at."""
    last, crowned = ledger().last(model, WindowMonitored), ledger().last(model, *CROWNING_KINDS)
    if crowned is None:
        return None
    if last is None or not isinstance(last.fact, WindowMonitored):
        return crowned.at
    return max(last.fact.end, crowned.at)
