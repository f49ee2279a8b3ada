"""Is what a model is asked and answers as it should be, and how did that change over time?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from millrace.domain.facts import CROWNING_KINDS
from millrace.domain.losses import name_loss
from millrace.domain.monitoring.findings import Watched, WindowFindings
from millrace.domain.schedule import last_due
from millrace.domain.verdict import Outcome, Verdict
from millrace.errors import ModelFileError, UnknownModelError
from millrace.settings import load_settings
from millrace.site.charts import Drawn
from millrace.site.followed import KINDS, Event, list_events
from millrace.site.groups import Placing, place_groups
from millrace.site.lanes import Lane, Reigned, count_slots, list_lanes, list_reigned
from millrace.site.loss_chart import Lost, draw_losses
from millrace.site.strips import Column, Course, list_strips
from millrace.steps.monitoring.status import Look, MonitoringStatus, list_windows, monitoring_status
from millrace.steps.stores import ledger, model_config

GRACE = timedelta(minutes=10)
"""So long after it was due a look may begin and end."""

_URGENCY = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}


@dataclass(frozen=True)
class Policy:
    """When `model.toml` asks for looks, None where it does not; `trouble` is why it cannot be read.

    `allowed` is how much more than at the gate may be lost.
    """

    schedule: str | None
    every_rows: int | None
    allowed: float | None
    trouble: str | None


@dataclass(frozen=True)
class MonitoringPage:
    """A model in production as it was at `at`, since `since` by its champion.

    `missed` is when a look was due that nobody took, `unread` how many of the windows shown are not kept any
    more or damaged. `reports` says whether this installation has a place to read reports at.
    """

    at: datetime
    model: str
    champion: str | None
    since: datetime | None
    policy: Policy
    missed: datetime | None
    status: MonitoringStatus
    drift: Course
    metric: str
    lost: tuple[Lost, ...]
    events: tuple[Event, ...]
    unread: int
    has_reports: bool

    @property
    def last(self) -> Look | None:
        return self.status.looks[-1] if self.status.looks else None

    @property
    def found(self) -> WindowFindings | None:
        """All that was found at the last look, unless that is lost."""
        found, last = self.status.newest, self.last
        if found is None or last is None or not _is_of(found, last):
            return None
        return found

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What stands since the last look, what is wrong first."""
        found = self.last.monitored.standing if self.last else ()
        return tuple(sorted(found, key=lambda one: _URGENCY[one.outcome]))

    @property
    def starts(self) -> tuple[datetime, ...]:
        """When each window began that can be compared with another one, newest first."""
        return self.drift.starts[::-1]

    @property
    def failed(self) -> dict[Column, int]:
        """In how many windows each column has drifted."""
        return {(one.part, one.column): one.failed for one in self.drift.strips}

    @property
    def slots(self) -> int:
        return count_slots(self.drift)

    @property
    def reigned(self) -> tuple[Reigned, ...]:
        return list_reigned(self.drift)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return list_lanes(self.drift, self.status.looks, self.events)

    @property
    def groups(self) -> Placing | None:
        """All rows and the slices of the last look by what was lost on them."""
        shown = self.found.performance if self.found else None
        return place_groups(shown) if shown else None

    def charts(self) -> Drawn:
        """Draw what was lost, once there is something to draw."""
        if not self.lost:
            return {}
        events = tuple(one for one in self.events if one.at >= self.lost[0].start)
        return draw_losses(f"{self.model}-lost", self.metric, self.lost, self.policy.allowed, events)


def gather_monitoring(now: datetime, model: str) -> MonitoringPage:
    """Read what the ledger and the kept windows know of the model in production.

    Raises
    ------
    UnknownModelError
        If neither a folder nor an entry has that name.
    """
    status, policy = monitoring_status(model, now), _find_policy(model)
    serving, crowned = ledger().serving(model), ledger().last(model, *CROWNING_KINDS)
    since = crowned.at if crowned else None
    ends = {look.monitored.start: look.monitored.end for look in status.looks}
    windows = [one for one in list_windows(model) if ends.get(one.start) == one.end]
    metric, lost = _list_lost(windows)
    return MonitoringPage(
        at=now,
        model=model,
        champion=serving.champion,
        since=since,
        policy=policy,
        missed=_find_missed(policy.schedule, status.looks, since, now),
        status=status,
        drift=list_strips(windows),
        metric=metric,
        lost=lost,
        events=_list_events(model, status.looks),
        unread=len(ends) - len(windows),
        has_reports=bool(load_settings().mlflow_ui),
    )


def _find_policy(model: str) -> Policy:
    try:
        config = model_config(model)
    except (UnknownModelError, ModelFileError) as error:
        return Policy(None, None, None, str(error))
    allowed = config.performance.max_excess_loss if config.performance else None
    if config.monitor is None:
        return Policy(None, None, allowed, None)
    return Policy(config.monitor.schedule, config.monitor.every_rows, allowed, None)


def _find_missed(
    schedule: str | None, looks: Sequence[Look], since: datetime | None, now: datetime
) -> datetime | None:
    if schedule is None or since is None:
        return None
    due = last_due(schedule, now - GRACE)
    looked = max([since, *(look.monitored.end for look in looks[-1:])])
    return due if looked < due else None


def _list_events(model: str, looks: Sequence[Look]) -> tuple[Event, ...]:
    """List what followed from the looks that are shown."""
    if not looks:
        return ()
    return list_events(ledger().entries(model, KINDS, after_seq=looks[0].seq - 1))


def _list_lost(windows: Iterable[WindowFindings]) -> tuple[str, tuple[Lost, ...]]:
    """List what was lost in each window, by the metric of the newest one."""
    shown = [one.performance for one in windows if one.performance is not None]
    metric = shown[-1].metric if shown else ""
    lost = []
    for one in shown:
        all_rows = one.overall
        if one.metric == metric and all_rows.loss is not None:
            outcome = next((v.outcome for v in one.verdicts if v.rule == Watched.PERFORMANCE), None)
            lost.append(
                Lost(
                    one.start, one.end, one.labels, all_rows.loss, all_rows.lower, all_rows.upper,
                    one.level, outcome or Outcome.INCONCLUSIVE,
                )
            )  # fmt: skip
    return name_loss(metric), tuple(lost)


def _is_of(found: WindowFindings, look: Look) -> bool:
    return (found.start, found.end) == (look.monitored.start, look.monitored.end)
