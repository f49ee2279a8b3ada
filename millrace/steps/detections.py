"""Which drift and decay of the champion waits for an answer, and whom has that to be told?"""

from collections.abc import Sequence
from datetime import datetime

from millrace.domain.decision import Detection, find_failed_try, list_open_detections
from millrace.domain.decision.detection import TRIED_KINDS
from millrace.domain.facts import (
    AttentionAsked,
    ChampionPromoted,
    ChampionRolledBack,
    DecisionMade,
    Fact,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.settings import load_settings
from millrace.steps.claims import record_once
from millrace.steps.stores import ledger

_read: dict[tuple[str, str], tuple[Entry | None, tuple[Entry, ...]]] = {}
"""Up to which look a ledger was read for a model, and those that found something: a year of looks is long."""


def list_open(model: str) -> tuple[Detection, ...]:
    """List what was detected since the champion began to serve and is still to be answered."""
    champion = ledger().serving(model).champion
    crowned = ledger().last(model, ChampionPromoted, ChampionRolledBack)
    if champion is None or crowned is None:
        return ()
    found = [entry for entry in _list_detecting(model) if entry.seq > crowned.seq]
    if not found:
        return ()
    decisions = ledger().entries(model, (DecisionMade,), found[0].seq)
    return list_open_detections([*found, *decisions], champion, ledger().is_done)


def _list_detecting(model: str) -> tuple[Entry, ...]:
    """List every look that found drift or decay; what this process has read of the ledger it reads once."""
    key = (load_settings().ledger_url, model)
    last, found = _read.get(key, (None, ()))
    looks = ledger().entries(model, (WindowMonitored,), last.seq - 1 if last else 0)
    if last is not None and looks[:1] != [last]:  # a backup, or another ledger, has taken its place
        last, found, looks = None, (), ledger().entries(model, (WindowMonitored,))
    news = looks if last is None else looks[1:]
    found = (*found, *(entry for entry in news if _has_detected(entry.fact)))
    if looks:
        _read[key] = (looks[-1], found)
    return found


def _has_detected(fact: Fact) -> bool:
    return isinstance(fact, WindowMonitored) and (fact.drift is not None or fact.decay is not None)


def find_what_failed(model: str, detections: Sequence[Detection]) -> str | None:
    """Tell what became of a challenger that was trained since all of this began, when it was nothing."""
    if not detections:
        return None
    since = max(one.tried_since for one in detections)
    return find_failed_try(ledger().entries(model, TRIED_KINDS), since, ledger().is_done)


def ask_a_person(model: str, detections: Sequence[Detection], why: str, run_id: str, now: datetime) -> None:
    """Record, once for each champion and each beginning of a drift or decay, that training cannot mend it."""
    since = min(one.since for one in detections)
    champion = ledger().serving(model).champion
    key = f"attention:{model}:{champion}:{since.isoformat()}"
    record_once(key, model, AttentionAsked(since, f"{detections[-1]}; {why}"), run_id, now)
