"""What followed from the looks at a model?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from millrace.domain.facts import (
    CHAMPION_KINDS,
    AttentionAsked,
    Decay,
    DecisionMade,
    Drift,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.losses import name_loss
from millrace.domain.narration import tell

KINDS = (WindowMonitored, DecisionMade, AttentionAsked, *CHAMPION_KINDS)


class What(StrEnum):
    """What can follow from a look, in the words of the page."""

    CHAMPION = "another champion"
    ASKED = "a retraining is asked for"
    DECIDED = "decision"
    ATTENTION = "a person is asked"


@dataclass(frozen=True)
class Event:
    """One of them; `about` are the entries of the looks that a decision answers."""

    seq: int
    at: datetime
    what: What
    told: str
    about: tuple[int, ...] = ()


def list_events(entries: Iterable[Entry]) -> tuple[Event, ...]:
    """List what followed, oldest first; a look that asks for what the one before it did adds nothing."""
    events: list[Event] = []
    asked: set[tuple[str, datetime]] = set()
    for entry in entries:
        match entry.fact:
            case WindowMonitored() as fact:
                found = {(type(one).__name__, one.since): one for one in _list_asking(fact)}
                events += [_asking(entry, found[name]) for name in found if name not in asked]
                asked = set(found)
            case DecisionMade() as fact:
                if fact.answers:
                    events.append(Event(entry.seq, entry.at, What.DECIDED, tell(fact), fact.answers))
            case AttentionAsked() as fact:
                events.append(Event(entry.seq, entry.at, What.ATTENTION, fact.reason))
            case fact if isinstance(fact, CHAMPION_KINDS):
                events.append(Event(entry.seq, entry.at, What.CHAMPION, tell(fact)))
    return tuple(events)


def tell_asking(found: Drift | Decay) -> str:
    """Say why a retraining is asked for."""
    windows = "1 window" if found.windows == 1 else f"{found.windows} windows in a row"
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC, {windows}"
    match found:
        case Drift():
            return f"drift {since}: {found.share:.0%} of the columns, {', '.join(found.columns)}"
        case Decay():
            return f"decay {since}: {name_loss(found.metric)} {found.loss:.4g}, {found.level:.4g} at the gate"


def _list_asking(fact: WindowMonitored) -> list[Drift | Decay]:
    return [one for one in (fact.drift, fact.decay) if one is not None]


def _asking(entry: Entry, found: Drift | Decay) -> Event:
    return Event(entry.seq, entry.at, What.ASKED, tell_asking(found), (entry.seq,))
