"""Noticing that nothing happens: no data, or no decision, for longer than `[silence]` allows."""

from datetime import datetime

from millrace.domain.facts import BatchAccepted, DatasetAdopted, DecisionMade, SilenceNoticed, Subject
from millrace.domain.ledger import Entry
from millrace.domain.silence import judge_silence
from millrace.steps.claims import record_once
from millrace.steps.stores import ledger, model_config

_KINDS = {Subject.DATA: (BatchAccepted, DatasetAdopted), Subject.DECISION: (DecisionMade,)}


def notice_silence(model: str, run_id: str, now: datetime) -> list[SilenceNoticed]:
    """Record each silence that is too long by `[silence]` of model.toml, once; alerts follow from the record.

    A model that was never decided on is silent since its first data; one without any was never heard of.
    """
    policy = model_config(model).silence
    entries = ledger().entries(model, (*_KINDS[Subject.DATA], *_KINDS[Subject.DECISION], SilenceNoticed))
    if policy is None or not entries:
        return []
    found = []
    for subject, limit in ((Subject.DATA, policy.data), (Subject.DECISION, policy.decision)):
        last = _last_at(entries, *_KINDS[subject]) or entries[0].at
        noticed = [entry.at for entry in entries if _is_about(entry, subject)]
        fact = judge_silence(subject, last, limit, noticed[-1] if noticed else None, now)
        if fact is not None:
            record_once(f"silence:{model}:{subject}:{last.isoformat()}", model, fact, run_id, now)
            found.append(fact)
    return found


def _last_at(entries: list[Entry], *kinds: type) -> datetime | None:
    return next((entry.at for entry in reversed(entries) if isinstance(entry.fact, kinds)), None)


def _is_about(entry: Entry, subject: Subject) -> bool:
    return isinstance(entry.fact, SilenceNoticed) and entry.fact.subject is subject
