"""How far has each column been from what was learned, window by window?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.monitoring.findings import ColumnFinding, WindowFindings
from millrace.domain.verdict import Outcome

SHOWN = 30
"""So many columns are drawn, those of most concern."""
FULL = 2.0
"""A bar is full at so many times its threshold."""
LEAST = 2.0
"""In percent of its height: a distance of nothing is to be seen too."""

_CONCERN = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}

Column = tuple[str, str]
"""What it is a column of, and its name: a target may be called as an input is."""


@dataclass(frozen=True)
class Cell:
    """One column in one window; `score` is None where a rule judged before, or nothing could."""

    score: float | None
    threshold: float
    outcome: Outcome
    reason: str

    @property
    def height(self) -> float:
        """In percent; the threshold is half way up. What has no score is drawn whole."""
        if self.score is None:
            return 100.0
        return max(LEAST, min(100.0, 100.0 * self.score / self.threshold / FULL))

    @property
    def told(self) -> str:
        found = self.reason if self.score is None else f"{self.score:.3g} of {self.threshold:g}"
        return f"{found}, {self.outcome}"


@dataclass(frozen=True)
class Strip:
    """One column in every window, oldest first; None where it was not among the columns."""

    part: str
    column: str
    newest: ColumnFinding
    cells: tuple[Cell | None, ...]

    @property
    def failed(self) -> int:
        """In how many windows it had drifted."""
        return sum(cell is not None and cell.outcome is Outcome.FAIL for cell in self.cells)


@dataclass(frozen=True)
class Course:
    """The columns of most concern over all windows whose drift was measured, oldest first.

    `starts`, `ends` and `champions` say which windows; `count` is how many columns there are in all.
    """

    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    champions: tuple[str, ...]
    strips: tuple[Strip, ...]
    count: int


def list_strips(windows: Sequence[WindowFindings]) -> Course:
    """Lay the columns of all windows side by side, those that fail now before those that did most often."""
    measured = [(one, one.drift.columns) for one in windows if one.drift is not None]
    by_column = [{(found.part.value, found.column): found for found in columns} for _, columns in measured]
    newest = {name: found for columns in by_column for name, found in columns.items()}
    names = sorted(newest, key=lambda name: _concern(newest[name], name, by_column))
    strips = (_lay_out(name, newest[name], by_column) for name in names[:SHOWN])
    return Course(
        tuple(one.start for one, _ in measured),
        tuple(one.end for one, _ in measured),
        tuple(one.digest for one, _ in measured),
        tuple(strips),
        len(names),
    )


def _concern(
    found: ColumnFinding, name: Column, by_column: Sequence[Mapping[Column, ColumnFinding]]
) -> tuple[int, int, float]:
    was = (columns[name].outcome for columns in by_column if name in columns)
    return _CONCERN[found.outcome], -sum(one is Outcome.FAIL for one in was), -_excess(found)


def _excess(found: ColumnFinding) -> float:
    return (found.score or 0.0) / found.threshold


def _lay_out(
    name: Column, newest: ColumnFinding, by_column: Sequence[Mapping[Column, ColumnFinding]]
) -> Strip:
    part, column = name
    found = (columns.get(name) for columns in by_column)
    cells = (Cell(one.score, one.threshold, one.outcome, one.reason) if one else None for one in found)
    return Strip(part, column, newest, tuple(cells))
