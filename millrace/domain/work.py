"""What waits for a flow run, and how often may that be tried?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from millrace.domain.facts import AutomationResumed, RunParked, RunRequested
from millrace.domain.ledger import Entry

RETAKES = 3
"""How often a run that ended with its work undone is followed by another."""

_PAUSES = (timedelta(0), timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
"""How long after the last request the next one may follow, by the number of those made so far."""


class FlowName(StrEnum):
    """The flows that a controller starts."""

    INGEST = "ingest"
    RETRAIN = "retrain"
    ROLLOUT = "rollout"
    MONITOR = "monitor"


class IngestReason(StrEnum):
    """What can ask for an ingest."""

    BY_HAND = "by hand"
    SCHEDULE = "schedule"
    ARRIVED = "arrived"
    DIED = "died"


class MonitorReason(StrEnum):
    """What can ask for a look at a model in production."""

    BY_HAND = "by hand"
    SCHEDULE = "schedule"
    ROWS = "rows"


@dataclass(frozen=True)
class Work:
    """A piece of work that waits for a flow run; the same work has the same `key`.

    `detail` tells people what was found. It has to stand for `patience` before a run is asked
    for: an event or a schedule, which are faster, may have started one already.
    """

    flow: FlowName
    model: str
    key: str
    reason: str
    detail: str
    patience: timedelta
    files: tuple[str, ...] = ()


class Standing(StrEnum):
    """What Prefect knows of a flow run that was asked for."""

    ALIVE = "alive"
    """It has still to end."""
    ENDED = "ended"
    """It ended, however it did."""
    LOST = "lost"
    """Prefect never heard of it, or has forgotten it."""


@dataclass(frozen=True)
class Ask:
    """Ask for the run of attempt `number`; asked again, it is the same run."""

    number: int


@dataclass(frozen=True)
class Wait:
    """Leave it: a run is at it, or it is too early, or it waits for a person."""


@dataclass(frozen=True)
class Park:
    """Give up after `attempts`, and tell people."""

    attempts: int


def plan_next(
    work: Work, entries: Iterable[Entry], standing_of: Callable[[RunRequested], Standing], now: datetime
) -> Ask | Wait | Park:
    """Say what to do about `work`, from what the ledger says was done about it.

    One run of a flow is asked for at a time: what comes meanwhile, the next one does.

    Parameters
    ----------
    work
        What waits.
    entries
        Every `RunRequested`, `RunParked` and `AutomationResumed` of its model, oldest first.
    standing_of
        What Prefect knows of a run that was asked for.
    now
        When it is asked.
    """
    history = _history_of(work, entries)
    if history.latest is not None and standing_of(history.latest) is Standing.ALIVE:
        return Wait()
    if history.parked:
        return Wait()
    if not history.requests or history.tried == 0:
        return Ask(len(history.requests) + 1)
    last_at, last = history.requests[-1]
    if standing_of(last) is Standing.LOST:
        return Ask(last.attempt)
    if history.tried > RETAKES:
        return Park(history.tried)
    # a clock that was set back must not make it wait for ever
    too_early = timedelta(0) <= now - last_at < _PAUSES[history.tried]
    return Wait() if too_early else Ask(last.attempt + 1)


@dataclass
class _History:
    """What was asked for; `tried` counts since a person resumed the model, `latest` is of any key."""

    requests: list[tuple[datetime, RunRequested]]
    latest: RunRequested | None = None
    tried: int = 0
    parked: bool = False


def _history_of(work: Work, entries: Iterable[Entry]) -> _History:
    history = _History([])
    for entry in entries:
        match entry.fact:
            case RunRequested() as fact if fact.flow == work.flow:
                history.latest = fact
                if fact.key == work.key and fact not in (made for _at, made in history.requests):
                    history.requests.append((entry.at, fact))
                    history.tried += 1
            case RunParked() as fact if fact.key == work.key:
                history.parked = True
            case AutomationResumed():
                history.tried, history.parked = 0, False
            case _:
                pass
    return history
