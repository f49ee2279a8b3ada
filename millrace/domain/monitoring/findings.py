"""What was found of a window?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from millrace.domain.verdict import Outcome, Verdict


class Watched(StrEnum):
    """What is watched of a model; each is the `rule` of one verdict."""

    DATA = "data drift"
    PREDICTIONS = "prediction drift"
    TARGET = "target drift"
    PERFORMANCE = "performance"
    SLICES = "slices"
    FAIRNESS = "fairness"
    CONCEPT = "concept drift"
    CALIBRATION = "calibration"
    SKEW = "skew"
    STALENESS = "staleness"
    LATENCY = "latency"
    ERRORS = "errors"


@dataclass(frozen=True)
class ColumnFinding:
    """What became of one column; `part` is what it is a column of: inputs, answers or target.

    `score` is Evidently's distance by `test`, None where a rule has judged before or the test failed;
    `chance` how likely a difference as large is by accident.
    """

    part: Watched
    column: str
    test: str
    threshold: float
    score: float | None
    chance: float | None
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class DriftFindings:
    """What became of all columns over `rows` rows; `share` of the judged inputs have drifted.

    `verdicts` are those of data, prediction and target drift.
    """

    rows: int
    columns: tuple[ColumnFinding, ...]
    share: float | None
    verdicts: tuple[Verdict, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """Name the columns of the inputs that have drifted."""
        failed = (one for one in self.columns if one.outcome is Outcome.FAIL)
        return tuple(one.column for one in failed if one.part is Watched.DATA)


@dataclass(frozen=True)
class GroupLoss:
    """The loss on some of the rows, with its bounds; None where there is none."""

    name: str
    labels: int
    loss: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class PerformanceFindings:
    """How good the answers of `[start, end)` were, by the labels that have come for them.

    `metric` is the gate's, as a loss: lower is better; `level` is the loss at the gate. `verdicts` are those
    of performance, slices, fairness, concept drift and calibration.
    """

    start: datetime
    end: datetime
    rows: int
    labels: int
    metric: str
    level: float | None
    overall: GroupLoss
    slices: tuple[GroupLoss, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    """What of the log or its labels was not as it should be, with the numbers."""

    @property
    def excess_loss(self) -> float | None:
        """How much more is lost than at the gate."""
        if self.overall.loss is None or self.level is None:
            return None
        return self.overall.loss - self.level


@dataclass(frozen=True)
class WindowFindings:
    """All that was found at one look: of what was asked in `[start, end)`, and of older answers by labels."""

    model: str
    digest: str
    start: datetime
    end: datetime
    drift: DriftFindings | None
    performance: PerformanceFindings | None
    health: tuple[Verdict, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return (
            *(self.drift.verdicts if self.drift else ()),
            *(self.performance.verdicts if self.performance else ()),
            *self.health,
        )
