"""How far apart are the losses of some groups of rows, side by side?"""

from dataclasses import dataclass

from millrace.domain.monitoring.findings import GroupLoss, PerformanceFindings

EDGE = 4.0
"""In percent: a dot at the very end is to be seen whole."""


@dataclass(frozen=True)
class Placed:
    """A group whose loss and bounds lie on a line that is 100 long; None where they are not known."""

    group: GroupLoss
    at: float | None
    lower: float | None
    upper: float | None

    @property
    def told(self) -> str:
        """Say it for those who do not see the line."""
        one = self.group
        if one.loss is None or one.lower is None or one.upper is None:
            return f"{one.name}: no bounds"
        return f"{one.name}: {one.loss:.4g}, between {one.lower:.4g} and {one.upper:.4g}"


@dataclass(frozen=True)
class Placing:
    """All rows and every slice on one line; `level` is where the loss at the gate lies."""

    groups: tuple[Placed, ...]
    level: float | None


def place_groups(found: PerformanceFindings) -> Placing:
    """Place all rows, then the slices, those on which most is lost first."""
    slices = sorted(found.slices, key=lambda one: (one.loss is None, -(one.loss or 0.0), one.name))
    groups = (found.overall, *slices)
    known = [found.level, *(value for one in groups for value in (one.loss, one.lower, one.upper))]
    values = [value for value in known if value is not None]
    start, end = min(values, default=0.0), max(values, default=0.0)

    def place(value: float | None) -> float | None:
        if value is None:
            return None
        share = (value - start) / (end - start) if end > start else 0.5
        return EDGE + (100.0 - 2 * EDGE) * share

    placed = tuple(Placed(one, place(one.loss), place(one.lower), place(one.upper)) for one in groups)
    return Placing(placed, place(found.level))
