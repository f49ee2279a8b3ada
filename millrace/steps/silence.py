"""Noticing that nothing happens: no data, no decision, no request, for longer than `[silence]` allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.domain.config import ModelConfig
from millrace.domain.config.operation import SilenceSection
from millrace.domain.facts import (
    CROWNING_KINDS,
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

_DATA = (BatchAccepted, DatasetAdopted)


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
    monitoring that is missed. Each champion is waited for anew, and labels only once their delay is over.
    """
    config = model_config(model)
    policy = config.silence
    if policy is None:
        return []
    noticed = ledger().entries(model, (SilenceNoticed,))
    found = []
    for one in (*_list_arrivals(model, policy, now), *_list_seen(model, config, policy, now)):
        mine = [entry.at for entry in noticed if _is_about(entry, one.subject)]
        fact = judge_silence(one.subject, one.last, one.limit, mine[-1] if mine else None, one.known_at)
        if fact is not None:
            record_once(f"silence:{model}:{one.subject}:{one.last.isoformat()}", model, fact, run_id, now)
            found.append(fact)
    return found


def _list_arrivals(model: str, policy: SilenceSection, now: datetime) -> Iterator[_Quiet]:
    data, decision = ledger().last(model, *_DATA), ledger().last(model, DecisionMade)
    if data is None and decision is None:
        return
    # where one of them never was, the other began it
    first = ledger().entries(model, (*_DATA, DecisionMade))[0] if data is None or decision is None else None
    for subject, limit, last in (
        (Subject.DATA, policy.data, data or first),
        (Subject.DECISION, policy.decision, decision or first),
    ):
        if last is not None:
            yield _Quiet(subject, last.at, limit, now)


def _list_seen(model: str, config: ModelConfig, policy: SilenceSection, now: datetime) -> Iterator[_Quiet]:
    """Yield what somebody who looks at a champion would see."""
    if not policy.seen_by_looks:
        return
    crowned = ledger().last(model, *CROWNING_KINDS)
    if crowned is None:
        return
    newest = ledger().last(model, WindowMonitored)
    if policy.monitor is not None:
        last = max(newest.at, crowned.at) if newest is not None else crowned.at
        yield _Quiet(Subject.MONITORING, last, policy.monitor, now)
    if newest is not None and policy.requests is not None:
        last = last_rows_seen(_list_looks(model, crowned)) or crowned.at
        yield _Quiet(Subject.REQUESTS, last, policy.requests, newest.at)
    if newest is not None and policy.labels is not None:
        expected = crowned.at + (config.data.label_delay or timedelta(0))
        last = last_labels_seen(_list_looks(model, crowned)) or expected
        yield _Quiet(Subject.LABELS, max(last, expected), policy.labels, newest.at)


def _list_looks(model: str, crowned: Entry) -> Iterator[Look]:
    """Yield the looks at the champion since it was `crowned`, the newest first."""
    for entry in ledger().newest_first(model, WindowMonitored):
        if entry.seq < crowned.seq:
            return
        if isinstance(entry.fact, WindowMonitored):
            yield Look(entry.at, entry.fact)


def _is_about(entry: Entry, subject: Subject) -> bool:
    return isinstance(entry.fact, SilenceNoticed) and entry.fact.subject is subject
