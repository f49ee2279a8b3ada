"""How is drawn what was lost since a model answers?"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from millrace.domain.verdict import Outcome
from millrace.pages.drawing import FROZEN, INK, KEPT, LANES, MUTED, PAPER, QUARANTINED, REFUSED
from millrace.site.charts import Drawn, day_of, draw_layouts, set_times
from millrace.site.followed import Event, What

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = {
    Outcome.PASS: ("o", KEPT, KEPT),
    Outcome.FAIL: ("X", REFUSED, REFUSED),
    Outcome.INCONCLUSIVE: ("o", FROZEN, PAPER),
}
"""Marker, line and face of a window."""

LARGE, SMALL, MANY = 9.0, 6.5, 25
"""How large a point is, and of how many on it is smaller."""

_MARKS = {What.ASKED: ("^", QUARANTINED), What.DECIDED: ("D", INK), What.ATTENTION: ("s", REFUSED)}


@dataclass(frozen=True)
class Lost:
    """What was lost on the answers of `[start, end)`, whose labels have come; lower is better.

    `level` is what the version lost at its gate. Bounds are None where there are none.
    """

    start: datetime
    end: datetime
    labels: int
    loss: float
    lower: float | None
    upper: float | None
    level: float | None
    outcome: Outcome


@lru_cache(maxsize=64)
def draw_losses(
    name: str, metric: str, lost: tuple[Lost, ...], allowed: float | None, events: tuple[Event, ...]
) -> Drawn:
    """Draw the loss of each window with its bounds, the level at the gate, and what followed.

    `allowed` is how much more than at the gate may be lost.
    """
    label = f"{metric} over time; the table below has each window."

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        _draw_levels(axes, lost, allowed)
        for one in lost:
            _draw_point(axes, one, LARGE if len(lost) <= MANY else SMALL)
        axes.margins(x=0.04, y=0.15)
        _draw_events(axes, events)
        axes.set_title(f"{metric}, lower is better", loc="left", size="medium", color=MUTED)
        axes.locator_params(axis="y", nbins=5)
        set_times(axes)

    return draw_layouts(draw, name, label)


def _draw_point(axes: "Axes", one: Lost, size: float) -> None:
    marker, color, face = _POINTS[one.outcome]
    at = day_of(one.end)
    if one.lower is not None and one.upper is not None:
        axes.plot([at, at], [one.lower, one.upper], color=color, linewidth=2)
    axes.plot(
        at, one.loss, marker, color=color, markersize=size, markerfacecolor=face,
        markeredgecolor=color if face == PAPER else PAPER, markeredgewidth=1.5 if face == PAPER else 1,
    )  # fmt: skip


def _draw_levels(axes: "Axes", lost: tuple[Lost, ...], allowed: float | None) -> None:
    """Draw what was lost at the gate, and what may be lost, each from window to window."""
    known = [one for one in lost if one.level is not None]
    days = [day for one in known for day in (day_of(one.start), day_of(one.end))]
    levels = [one.level for one in known if one.level is not None for _ in range(2)]
    axes.plot(days, levels, color=MUTED, linewidth=1.5)
    if allowed is not None:
        lines = [level + allowed for level in levels]
        axes.plot(days, lines, color=REFUSED, linewidth=1.5, linestyle="--")
        axes.fill_between(days, levels, lines, color=LANES[0], alpha=0.5, linewidth=0)


def _draw_events(axes: "Axes", events: tuple[Event, ...]) -> None:
    foot = axes.get_xaxis_transform()
    for event in events:
        if event.what is What.CHAMPION:
            axes.axvline(day_of(event.at), color=MUTED, linewidth=1, linestyle=":")
        else:
            marker, color = _MARKS[event.what]
            axes.plot(day_of(event.at), 0.05, marker, color=color, markersize=8, transform=foot)
