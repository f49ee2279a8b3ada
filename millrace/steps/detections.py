"""Which drift and decay of the champion waits for an answer, and whom has that to be told?"""

from collections.abc import Sequence
from datetime import datetime

from millrace.domain.decision import Detection, find_failed_try, list_open_detections, tell_decay, tell_drift
from millrace.domain.decision.detection import TRIED_KINDS
from millrace.domain.facts import (
    CROWNING_KINDS,
    AttentionAsked,
    DecisionMade,
    Fact,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.settings import load_settings
from millrace.steps.claims import record_once
from millrace.steps.stores import ledger

_KINDS = (WindowMonitored, DecisionMade, *CROWNING_KINDS)
_read: dict[tuple[str, str], tuple[Entry, tuple[Entry, ...]]] = {}
"""Up to which entry a ledger was read for a model, and what of it matters here: a year of looks is long."""


def list_open(model: str) -> tuple[Detection, ...]:
    """List what was detected since the champion began to serve and is still to be answered."""
    champion = ledger().serving(model).champion
    crowned = ledger().last(model, *CROWNING_KINDS)
    if champion is None or crowned is None:
        return ()
    return list_open_detections(_list_mattering(model, crowned), champion, ledger().is_done)


def _list_mattering(model: str, crowned: Entry) -> tuple[Entry, ...]:
    """List the looks since `crowned` that found something, and the decisions that answer: all read once."""
    key = (load_settings().ledger_url, model)
    last, kept = _read.get(key, (crowned, ()))
    news = ledger().entries(model, _KINDS, last.seq - 1)
    if news[:1] != [last]:  # a backup, or another ledger, has taken its place
        kept, news = (), ledger().entries(model, _KINDS, crowned.seq - 1)
    known = (*kept, *(entry for entry in news[1:] if _matters(entry.fact)))
    kept = tuple(entry for entry in known if entry.seq > crowned.seq)
    _read[key] = (news[-1], kept)
    return kept


def _matters(fact: Fact) -> bool:
    match fact:
        case WindowMonitored():
            return fact.drift is not None or fact.decay is not None
        case DecisionMade():
            return bool(fact.answers)
        case _:
            return False


def find_what_failed(model: str, detections: Sequence[Detection]) -> str | None:
    """Tell what became of a challenger that was begun since all of this was recorded, when it was nothing."""
    if not detections:
        return None
    first_seq = max(one.first_seq for one in detections)
    return find_failed_try(ledger().entries(model, TRIED_KINDS, first_seq), ledger().is_done)


def ask_a_person(model: str, detections: Sequence[Detection], why: str, run_id: str, now: datetime) -> None:
    """Record that training cannot mend the newest drift and the newest decay.

    It is recorded once for each champion, kind and beginning.
    """
    champion = ledger().serving(model).champion
    drift = [(one.drift.since, tell_drift(one.drift)) for one in detections if one.drift is not None][-1:]
    decay = [(one.decay.since, tell_decay(one.decay)) for one in detections if one.decay is not None][-1:]
    for kind, newest in (("drift", drift), ("decay", decay)):
        for since, told in newest:
            key = f"attention:{model}:{champion}:{kind}:{since.isoformat()}"
            record_once(key, model, AttentionAsked(since, f"{told}; {why}"), run_id, now)
