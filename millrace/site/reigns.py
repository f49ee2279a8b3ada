"""Which champion answered from when to when, and how did each come and go?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from millrace.domain.facts import ChampionPromoted, ChampionRolledBack, OfflineRollbackOvertaken
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
    """List the champions in the order in which they answered; entries of other kinds are passed over.

    An offline rollback that was not adopted ends no reign, but its version was withdrawn all the same.
    """
    reigns: list[Reign] = []
    for entry in entries:
        match entry.fact:
            case ChampionPromoted() | ChampionRolledBack() as fact:
                is_return = isinstance(fact, ChampionRolledBack)
                if reigns:
                    because = fact.reason if is_return else None
                    reigns[-1] = replace(reigns[-1], until=entry.at, withdrawn_because=because)
                reigns.append(
                    Reign(fact.digest, fact.generation, entry.at, None, entry.actor, is_return, fact.reason)
                )
            case OfflineRollbackOvertaken() as fact:
                _mark_withdrawn(reigns, fact)
            case _:
                pass
    return tuple(reigns)


def _mark_withdrawn(reigns: list[Reign], fact: OfflineRollbackOvertaken) -> None:
    """Say of the last ended reign of the version why it was withdrawn; the champion of today stays."""
    places = [n for n, one in enumerate(reigns) if one.digest == fact.withdrawn]
    if places and fact.withdrawn != fact.champion:
        reigns[places[-1]] = replace(reigns[places[-1]], withdrawn_because=fact.reason)
