"""What do the charts of the site show, and how are they drawn?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from millrace.pages.drawing import (
    FROZEN,
    GRID,
    INK,
    KEPT,
    LANES,
    MUTED,
    PAPER,
    REFUSED,
    Layout,
    drawing,
    to_svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = Layout("wide", 984, 260, 0.055), Layout("narrow", 350, 240, 0.13)
WHOLE = 100
SOME_TIME = timedelta(seconds=1)
"""What happened within one moment is drawn as wide as this."""

ROOM = 0.15
"""From which share of the width on a phase has room for its name."""

DAY = timedelta(days=1).total_seconds()
FORMS = ((0.005, "%H:%M:%S"), (1.0, "%H:%M"), (6.0, "%b %d %H:%M"), (250.0, "%b %d"))
"""How a moment is written, by how many days are drawn."""
TICKS = (0.125, 0.5, 0.875)

Drawn = dict[str, str]
"""One SVG for each layout."""


@dataclass(frozen=True)
class Stretch:
    """From `at` on the challenger answered `weight` percent of the requests, in the phase named."""

    at: datetime
    weight: int
    phase: str


@dataclass(frozen=True)
class Point:
    """What the gate measured of one judged version, as people read its metric, and of its champion."""

    at: datetime
    outcome: str
    challenger: float
    champion: float | None


@lru_cache(maxsize=256)
def draw_weights(
    name: str, stretches: tuple[Stretch, ...], failed: tuple[datetime, ...], end: datetime
) -> Drawn:
    """Draw the challenger's weight over time above the phases it was in; failed looks are crosses."""
    end = max(end, stretches[-1].at, stretches[0].at + SOME_TIME)
    label = "The challenger's weight over time; the table below has each change of it."

    def draw(figure: "Figure") -> None:
        curve, lane = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        days = [*(day_of(one.at) for one in stretches), day_of(end)]
        weights = [*(one.weight for one in stretches), stretches[-1].weight]
        curve.fill_between(days, weights, step="post", color=KEPT, alpha=0.12, linewidth=0)
        curve.step(days, weights, where="post", color=KEPT, linewidth=2.5)
        crosses = [_weight_at(stretches, at) for at in failed]
        curve.plot(
            [day_of(at) for at in failed], crosses, "X", color=REFUSED, markersize=9, markeredgecolor=PAPER
        )
        curve.set_title("requests the challenger answers, in %", loc="left", size="medium", color=MUTED)
        curve.set_yticks([0, 25, 50, 75, WHOLE])
        curve.set_ylim(-6, 108)
        _draw_phases(lane, stretches, end)
        set_times(lane)

    return draw_layouts(draw, name, label)


@lru_cache(maxsize=64)
def draw_judgements(name: str, metric: str, points: tuple[Point, ...]) -> Drawn:
    """Draw what the gate measured of each judged version, and of the champion it was compared with."""
    label = f"{metric} of judged versions over time; the gate's tables have each of them."

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        against = [(day_of(one.at), one.champion) for one in points if one.champion is not None]
        axes.plot(
            [day for day, _ in against], [value for _, value in against],
            color=FROZEN, linewidth=1.5, linestyle="--", marker="_", markersize=12,
        )  # fmt: skip
        axes.plot(
            [day_of(one.at) for one in points], [one.challenger for one in points], color=GRID, linewidth=1
        )
        for point in points:
            marker, color = ("o", KEPT) if point.outcome == "pass" else ("X", REFUSED)
            axes.plot(
                day_of(point.at), point.challenger, marker,
                color=color, markersize=10, markeredgecolor=PAPER,
            )  # fmt: skip
        axes.set_title(f"{metric} on the recent set", loc="left", size="medium", color=MUTED)
        axes.margins(x=0.04, y=0.2)
        axes.locator_params(axis="y", nbins=5)
        set_times(axes)

    return draw_layouts(draw, name, label)


def draw_layouts(draw: Callable[["Figure"], None], name: str, label: str) -> Drawn:
    """Draw the same thing for each width of screen, in the manner of all charts."""
    drawn = {}
    for layout in (WIDE, NARROW):
        with drawing(layout, name) as figure:
            draw(figure)
            for axes in figure.axes:
                axes.spines[:].set_visible(False)
                axes.tick_params(length=0, labelcolor=MUTED)
                axes.grid(axis="y", color=GRID, linewidth=1)
            figure.subplots_adjust(layout.left, 0.12, 1 - layout.left / 3, 0.9, hspace=0.1)
            drawn[layout.name] = to_svg(figure, label)
    return drawn


def _draw_phases(axes: "Axes", stretches: tuple[Stretch, ...], end: datetime) -> None:
    before = ["", *(one.phase for one in stretches)]
    phases = [one for one, last in zip(stretches, before, strict=False) if one.phase != last]
    ends = [*(day_of(one.at) for one in phases[1:]), day_of(end)]
    whole = ends[-1] - day_of(phases[0].at)
    for number, (one, until) in enumerate(zip(phases, ends, strict=True)):
        start = day_of(one.at)
        axes.axvspan(start, until, color=LANES[number % 2], linewidth=0)
        if until - start > whole * ROOM:
            axes.text((start + until) / 2, 0.5, one.phase, ha="center", va="center", color=INK, size="small")
    axes.set_yticks([])
    axes.set_ylim(0, 1)


def set_times(axes: "Axes") -> None:
    """Name a few moments, each as exactly as tells it from the next one."""
    start, end = axes.get_xlim()
    places = [start + (end - start) * share for share in TICKS]
    form = next((form for span, form in FORMS if end - start < span), "%Y-%m-%d")
    names = [datetime.fromtimestamp(place * DAY, UTC).strftime(form) for place in places]
    axes.set_xticks(places, names)


def _weight_at(stretches: tuple[Stretch, ...], at: datetime) -> int:
    return [one.weight for one in stretches if one.at <= at][-1]


def day_of(at: datetime) -> float:
    """Return the moment as Matplotlib counts it, in days."""
    return at.timestamp() / DAY
