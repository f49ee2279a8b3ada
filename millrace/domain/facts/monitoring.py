"""What can have been found of a model in production?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.verdict import Verdict


@dataclass(frozen=True)
class Drift:
    """Too many columns have drifted, in so many windows in a row, the first of which began at `since`."""

    since: datetime
    windows: int
    share: float
    columns: tuple[str, ...]
    """The first few of them."""


@dataclass(frozen=True)
class Decay:
    """More is lost than at the gate, in so many windows in a row, the first of which began at `since`."""

    since: datetime
    windows: int
    metric: str
    loss: float
    level: float

    @property
    def excess_loss(self) -> float:
        return self.loss - self.level


@dataclass(frozen=True)
class WindowMonitored:
    """Somebody looked at what was asked in `[start, end)`, and at labels of answers since `labelled_start`.

    `digest` is the champion, whose reference it was compared with. A window of too few rows or labels
    goes on: the next look begins at `next_start` and, for labels, at `next_labelled_start`. `alarms` are the
    rules that fail and did not at the look before. `findings` is the SHA-256 of what is kept of it.
    `drift` and `decay` are reasons to retrain. `standing` is the newest word on each rule that decided
    something: a look at too few rows takes nothing back.
    """

    digest: str
    start: datetime
    end: datetime
    labelled_start: datetime
    rows: int
    labels: int
    next_start: datetime
    next_labelled_start: datetime
    verdicts: tuple[Verdict, ...]
    alarms: tuple[str, ...]
    findings: str
    share: float | None = None
    excess_loss: float | None = None
    drift: Drift | None = None
    decay: Decay | None = None
    standing: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class ReportKept:
    """The report about the window up to `end` stands in the catalogue."""

    end: datetime
    run_id: str


@dataclass(frozen=True)
class MonitoringDue:
    """So many rows were answered since the last look that the next one is due before its time."""

    since: datetime
    rows: int


@dataclass(frozen=True)
class AttentionAsked:
    """Automatic work cannot mend what was found since `since`: a person has to look."""

    since: datetime
    reason: str
