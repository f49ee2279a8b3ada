"""Noticing that nothing happens: no data, no decision, no request, for longer than `[silence]` allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.domain.config.operation import SilenceSection
from millrace.domain.facts import (
    CHAMPION_KINDS,
    BatchAccepted,
    DatasetAdopted,
    DecisionMade,
    SilenceNoticed,
    Subject,
    WindowMonitored,
)
from millrace.domain.ledger import Entry
from millrace.domain.silence import Look, judge_silence, last_labels_seen, last_rows_seen
from millrace.steps.claims import record_once
from millrace.steps.stores import ledger, model_config

_KINDS = {Subject.DATA: (BatchAccepted, DatasetAdopted), Subject.DECISION: (DecisionMade,)}


@dataclass(frozen=True)
class _Quiet:
    """When `subject` was there last, as it was known at `known_at`."""

    subject: Subject
    last: datetime
    limit: timedelta
    known_at: datetime


def notice_silence(model: str, run_id: str, now: datetime) -> list[SilenceNoticed]:
    """Record each silence that is too long by `[silence]` of model.toml, once; alerts follow from the record.

    A model that was never decided on is silent since its first data; one without any was never heard of.
    Requests and labels are missed by who looks at the model, as of then: while nobody looks, it is the
    monitoring that is missed.
    """
    policy = model_config(model).silence
    if policy is None:
        return []
    noticed = ledger().entries(model, (SilenceNoticed,))
    found = []
    for one in (*_list_arrivals(model, policy, now), *_list_looks(model, policy, now)):
        mine = [entry.at for entry in noticed if _is_about(entry, one.subject)]
        fact = judge_silence(one.subject, one.last, one.limit, mine[-1] if mine else None, one.known_at)
        if fact is not None:
            record_once(f"silence:{model}:{one.subject}:{one.last.isoformat()}", model, fact, run_id, now)
            found.append(fact)
    return found


def _list_arrivals(model: str, policy: SilenceSection, now: datetime) -> Iterator[_Quiet]:
    entries = ledger().entries(model, (*_KINDS[Subject.DATA], *_KINDS[Subject.DECISION]))
    if entries:
        for subject, limit in ((Subject.DATA, policy.data), (Subject.DECISION, policy.decision)):
            yield _Quiet(subject, _last_at(entries, *_KINDS[subject]) or entries[0].at, limit, now)


def _list_looks(model: str, policy: SilenceSection, now: datetime) -> Iterator[_Quiet]:
    """Yield what somebody who looks at a champion would see."""
    if policy.monitor is None and policy.requests is None and policy.labels is None:
        return
    crowned = ledger().last(model, *CHAMPION_KINDS)
    if crowned is None:
        return
    entries = ledger().entries(model, (WindowMonitored,))
    looks = [Look(entry.at, entry.fact) for entry in entries if isinstance(entry.fact, WindowMonitored)]
    newest = looks[-1].at if looks else None
    if policy.monitor is not None:
        yield _Quiet(Subject.MONITORING, max(newest or crowned.at, crowned.at), policy.monitor, now)
    if newest is not None and policy.requests is not None:
        last = last_rows_seen(looks) or crowned.at
        yield _Quiet(Subject.REQUESTS, last, policy.requests, newest)
    if newest is not None and policy.labels is not None:
        last = last_labels_seen(looks) or crowned.at
        yield _Quiet(Subject.LABELS, last, policy.labels, newest)


def _last_at(entries: list[Entry], *kinds: type) -> datetime | None:
    return next((entry.at for entry in reversed(entries) if isinstance(entry.fact, kinds)), None)


def _is_about(entry: Entry, subject: Subject) -> bool:
    return isinstance(entry.fact, SilenceNoticed) and entry.fact.subject is subject
