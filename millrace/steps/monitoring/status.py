"""What is known of a model in production, look by look?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.adapters.window_store import list_findings
from millrace.domain.facts import ReportKept, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.schedule import next_due
from millrace.errors import ModelFileError, UnknownModelError
from millrace.settings import load_settings
from millrace.steps.stores import ensure_known, ledger, model_config

SHOWN = 50
"""So many looks are told of, the newest."""


@dataclass(frozen=True)
class Look:
    """One look: its entry in the ledger, and where its report stands, if one was drawn."""

    seq: int
    at: datetime
    monitored: WindowMonitored
    report: str | None
    """The id of the run in the catalogue."""


@dataclass(frozen=True)
class MonitoringStatus:
    """The newest looks, oldest first; `newest` is all that was found at the last one, if it is still kept."""

    model: str
    looks: tuple[Look, ...]
    newest: WindowFindings | None
    due: datetime | None


def monitoring_status(model: str, now: datetime, shown: int = SHOWN) -> MonitoringStatus:
    """Gather what the looks at a model came to."""
    ensure_known(model)
    looks = _list_looks(model, shown)
    found = list_findings(load_settings().monitoring, model, 1)
    return MonitoringStatus(model, tuple(looks), found[-1] if found else None, _find_due(model, now))


def list_windows(model: str, last: int = SHOWN) -> list[WindowFindings]:
    """Return all that was found of the newest windows and is still kept, oldest first."""
    return list_findings(load_settings().monitoring, model, last)


def _find_due(model: str, now: datetime) -> datetime | None:
    """Return when the next look is due; without a `model.toml` what was found can be read all the same."""
    try:
        policy = model_config(model).monitor
    except (UnknownModelError, ModelFileError):
        return None
    return next_due(policy.schedule, now) if policy else None


def _list_looks(model: str, shown: int) -> list[Look]:
    """Read from the newest on: a year has thousands of looks."""
    looks: list[Look] = []
    reports: dict[datetime, str] = {}
    for entry in ledger().newest_first(model, WindowMonitored, ReportKept):
        if isinstance(entry.fact, ReportKept):  # which stands after the look that it is about
            reports[entry.fact.end] = entry.fact.run_id
        elif isinstance(entry.fact, WindowMonitored):
            looks.append(Look(entry.seq, entry.at, entry.fact, reports.get(entry.fact.end)))
        if len(looks) == shown:
            break
    return looks[::-1]
