"""How did a replay go, on one page that can be passed around?"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from millrace.domain.replay import (
    ReplayPage,
    ReplayRow,
    name_champion,
    name_month,
    spell_score,
    tell_headline,
    tell_scores,
    tell_summary,
)
from millrace.pages.drawing import (
    FROZEN,
    GRID,
    INK,
    KEPT,
    LANES,
    MUTED,
    PAPER,
    QUARANTINED,
    REFUSED,
    Layout,
    drawing,
    to_svg,
)
from millrace.pages.rendering import make_environment
from millrace.pages.style import read_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReplayPage", "ReplayRow", "render_replay"]

OWN_STYLE = Path(__file__).with_name("templates") / "replay.css"
EVENTS_Y, LANE_Y = 1.0, 0.0
RELEASED = ("o", KEPT)


LAYOUTS = {"%B": Layout("wide", 984, 430, 0.05), "%b": Layout("narrow", 350, 400, 0.125)}
"""Each with the form of its months."""


@dataclass(frozen=True)
class Service:
    """A champion and from when to when it answered. Month 0 is centred on 0 and ends at 0.5."""

    champion: str
    start: float
    end: float


def render_replay(page: ReplayPage) -> str:
    """Render one self-contained HTML page: no script, no font, no network."""
    environment = make_environment("millrace.adapters")
    environment.filters |= {"champion": name_champion, "score": spell_score, "median": median}
    return environment.get_template("replay.html.j2").render(
        page=page,
        style=read_style(OWN_STYLE),
        headline=tell_headline(page),
        summary=tell_summary(page),
        scores=tell_scores(page),
        charts={layout.name: _draw(page, layout, form) for form, layout in LAYOUTS.items()},
    )


def list_services(page: ReplayPage) -> list[Service]:
    """List who answered when; the last one goes on into the month that has not arrived yet."""
    changes = [(page.months.index(row.month) + 0.5, row.champion_after) for row in page.rows if row.promoted]
    if page.rows:
        changes.insert(0, (-0.5, page.rows[0].champion_before))
    ends = [start for start, _ in changes[1:]] + [len(page.months) + 0.5]
    return [
        Service(champion, start, end)
        for (start, champion), end in zip(changes, ends, strict=False)
        if champion is not None and start < end
    ]


def _draw(page: ReplayPage, layout: Layout, month_form: str) -> str:
    """Draw both curves above the timeline of who answered."""
    with drawing(layout) as figure:
        curves, timeline = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _draw_curves(curves, page)
        _draw_services(timeline, page)
        _draw_events(timeline, page)
        _set_span(timeline, page, month_form)
        for axes in (curves, timeline):
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, labelcolor=MUTED)
        figure.subplots_adjust(layout.left, 0.07, 0.995, 0.93, hspace=0.05)
        return to_svg(figure)


def _draw_curves(axes: "Axes", page: ReplayPage) -> None:
    if not page.scored:
        return
    months = [page.months.index(one.month) for one in page.scored]
    frozen, kept = [one.frozen for one in page.scored], [one.kept for one in page.scored]
    axes.fill_between(months, frozen, kept, color=KEPT, alpha=0.12, linewidth=0)
    for name, scores, rival, color in (("frozen", frozen, kept, FROZEN), ("kept", kept, frozen, KEPT)):
        axes.plot(months, scores, color=color, linewidth=2.5, marker="o", markersize=7)
        # Away from the other curve, so that the names never lie on one another.
        side = "bottom" if (scores[-1], name) > (rival[-1], "frozen") else "top"
        axes.annotate(
            f"{name} {spell_score(scores[-1])}", (months[-1], scores[-1]), (0, 9 if side == "bottom" else -9),
            textcoords="offset points", ha="center", va=side, color=color, weight="bold",
        )  # fmt: skip
    axes.set_title(page.metric_name, loc="left", size="medium", color=MUTED)
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.margins(y=0.2)
    axes.locator_params(axis="y", nbins=5)


def _draw_services(axes: "Axes", page: ReplayPage) -> None:
    for number, service in enumerate(list_services(page)):
        axes.barh(
            LANE_Y, service.end - service.start, left=service.start, height=0.9,
            color=LANES[number % 2], edgecolor=PAPER, linewidth=3,
        )  # fmt: skip
        middle = (service.start + service.end) / 2
        name = name_champion(service.champion)
        axes.text(middle, LANE_Y, name, ha="center", va="center", color=INK, size="small")


def _draw_events(axes: "Axes", page: ReplayPage) -> None:
    """Mark what happened at the end of each month, in order, the release where the new champion begins."""
    for position, month in enumerate(page.months):
        marks = [mark for row in page.rows if row.month == month and (mark := _mark(row)) is not None]
        release = marks.index(RELEASED) if RELEASED in marks else (len(marks) - 1) / 2
        for number, (marker, color) in enumerate(marks):
            place = position + 0.5 + 0.25 * (number - release)
            axes.plot(place, EVENTS_Y, marker, color=color, markersize=11, markeredgecolor=PAPER)


def _mark(row: ReplayRow) -> tuple[str, str] | None:
    if row.quarantined:
        return "s", QUARANTINED
    if row.refused or row.taken_back:
        return "X", REFUSED
    return RELEASED if row.promoted else None


def _set_span(axes: "Axes", page: ReplayPage, month_form: str) -> None:
    """Show the months from shortly before the first release to the one that has not arrived yet."""
    starts = [service.start for service in list_services(page)]
    first = min(starts, default=-0.5)
    names = [*(name_month(month, month_form) for month in page.months), "next"]
    shown = [position for position in range(len(names)) if position > first]
    axes.set_xticks(shown, [names[position] for position in shown])
    axes.set_xlim(first - 0.2, len(names) - 0.5)
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([])
