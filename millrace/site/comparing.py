"""How far are two windows from each other, by what is kept of them?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.monitoring.findings import ColumnFinding, DriftFindings
from millrace.domain.monitoring.table import order_by_concern
from millrace.errors import MillraceError
from millrace.steps.monitoring.compare import compare_beside
from millrace.steps.monitoring.status import monitoring_status

OFFERED = 400
"""So many windows can be chosen, the newest."""
SHOWN = 30


class UnknownWindowError(MillraceError):
    """Nobody looked at a window that began then."""

    def __init__(self, model: str, start: str) -> None:
        self.model, self.start = model, start
        super().__init__(
            f"no window of {model} began at {start[:40]!r}: choose one that was looked at. "
            f"`millrace monitor status {model}` shows the newest"
        )


@dataclass(frozen=True)
class ComparisonPage:
    """Two windows of a model, by their starts; None while none is chosen. `starts` can be, newest first."""

    at: datetime
    model: str
    starts: tuple[datetime, ...]
    first: datetime | None
    second: datetime | None
    found: DriftFindings | None

    @property
    def columns(self) -> list[ColumnFinding]:
        """Those of most concern."""
        return order_by_concern(self.found.columns)[:SHOWN] if self.found else []


def gather_comparison(now: datetime, model: str, first: str, second: str) -> ComparisonPage:
    """Compare the window that began at `second` with the one that began at `first`, both ISO 8601.

    Raises
    ------
    UnknownModelError, UnknownWindowError
        If there is none of that name, or nobody looked at such a window.
    """
    looks = monitoring_status(model, now, OFFERED).looks
    starts = tuple(sorted({look.monitored.start for look in looks}, reverse=True))
    if not (first or second):
        return ComparisonPage(now, model, starts, None, None, None)
    one, other = (_choose(model, text, starts) for text in (first, second))
    return ComparisonPage(now, model, starts, one, other, compare_beside(model, one, other))


def _choose(model: str, text: str, starts: tuple[datetime, ...]) -> datetime:
    by_text = {start.isoformat(): start for start in starts}
    if text not in by_text:
        raise UnknownWindowError(model, text)
    return by_text[text]
