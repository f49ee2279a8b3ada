"""Which champion answered from when to when, and how did each come and go?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from millrace.domain.facts import ChampionPromoted, ChampionRolledBack
from millrace.domain.ledger import Entry


@dataclass(frozen=True)
class Reign:
    """The time of one champion. `until` is None while it lasts.

    `withdrawn_because` is why a rollback ended it, None where it did not; a champion that came back by a
    rollback has another reign, with that reason.
    """

    digest: str
    generation: int
    since: datetime
    until: datetime | None
    actor: str
    is_return: bool
    reason: str
    withdrawn_because: str | None = None


def list_reigns(entries: Iterable[Entry]) -> tuple[Reign, ...]:
    """List the champions in the order in which they answered; entries of other kinds are passed over."""
    reigns: list[Reign] = []
    for entry in entries:
        if isinstance(fact := entry.fact, ChampionPromoted | ChampionRolledBack):
            is_return = isinstance(fact, ChampionRolledBack)
            if reigns:
                because = fact.reason if is_return else None
                reigns[-1] = replace(reigns[-1], until=entry.at, withdrawn_because=because)
            reigns.append(
                Reign(fact.digest, fact.generation, entry.at, None, entry.actor, is_return, fact.reason)
            )
    return tuple(reigns)
