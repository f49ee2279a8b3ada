"""Drift and decay as a look at a model in production records them, without a look."""

from datetime import datetime, timedelta

from millrace.domain.facts import Decay, Drift, WindowMonitored
from millrace.steps.stores import ledger

DRIFTED = ("distance_km",)


def record_drift(model: str, now: datetime, since: datetime, digest: str | None = None) -> int:
    """Record that requests to the champion, or to `digest`, have drifted; return the number of the entry."""
    return _record(model, now, Drift(since, 2, 0.41, DRIFTED), None, digest)


def record_decay(model: str, now: datetime, since: datetime) -> int:
    """Record that the champion has answered worse since `since`; return the number of the entry."""
    return _record(model, now, None, Decay(since, 2, "mae", 31.5, 27.5))


def record_nothing(model: str, now: datetime) -> int:
    """Record a look that has found nothing."""
    return _record(model, now, None, None)


def _record(
    model: str, now: datetime, drift: Drift | None, decay: Decay | None, digest: str | None = None
) -> int:
    champion = digest or ledger().serving(model).champion
    assert champion is not None
    start = now - timedelta(minutes=5)
    window = WindowMonitored(
        digest=champion,
        start=start,
        end=now,
        labelled_start=start,
        rows=2_000,
        labels=0,
        next_start=now,
        next_labelled_start=now,
        verdicts=(),
        alarms=(),
        findings="0" * 64,
        drift=drift,
        decay=decay,
    )
    return ledger().append(model, window, now, "the monitor").seq
