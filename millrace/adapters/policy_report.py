"""How do policies compare on the same history, on one page that can be passed around?"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.domain.losses import metric_value
from millrace.domain.replay.comparison import NEVER, PolicyResult, ReplayResult, StretchLoss
from millrace.domain.replay.conclusions import tell_aging, tell_best, tell_gaps, tell_notes
from millrace.pages.drawing import (
    FROZEN,
    GRID,
    INK,
    KEPT,
    MUTED,
    QUARANTINED,
    REFUSED,
    THEME,
    Layout,
    drawing,
    to_svg,
)
from millrace.pages.rendering import make_environment
from millrace.pages.style import read_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OWN_STYLE = Path(__file__).with_name("templates") / "replay.css"
COLORS = (KEPT, QUARANTINED, REFUSED, INK)
DASHES = {"-": "", "--": "7 3", ":": "2 3"}
"""Of more policies than colours the next ones are dashed; so a page spells it."""

NARROW = 600
"""A drawing of fewer pixels has room for few dates."""

Draw = Callable[["Axes", ReplayResult], None]


def render_policies(result: ReplayResult, made_at: datetime) -> str:
    """Render one self-contained HTML page: no script, no font, no network."""
    environment = make_environment("millrace.adapters")
    ages = [told for one in result.policies if (told := tell_aging(one, result.metric))]
    return environment.get_template("policies.html.j2").render(
        result=result,
        style=read_style(OWN_STYLE),
        headline=tell_best(result),
        said=[*tell_gaps(result), *ages],
        notes=tell_notes(result),
        made_at=made_at,
        legend=[_sample(result, one) for one in result.policies],
        charts=[_draw(result, *chart) for chart in _charts(result)],
    )


def _charts(result: ReplayResult) -> list[tuple[str, str, Draw]]:
    name = result.metric_name
    return [
        ("over-time", f"{name}, of what would have answered; a dot is a promotion", _draw_losses),
        ("by-age", f"{name}, by the weeks since a champion was trained", _draw_ages),
        ("by-cost", f"{name}, against the rows that were trained on", _draw_costs),
    ]


def _draw(result: ReplayResult, name: str, caption: str, draw: Draw) -> dict[str, str]:
    """Draw a chart for wide and for narrow screens."""
    drawn = {"caption": caption}
    for layout in (Layout("wide", 984, 330, 0.06), Layout("narrow", 350, 300, 0.15)):
        with drawing(layout, name) as figure:
            axes = figure.subplots()
            draw(axes, result)
            axes.grid(axis="y", color=GRID, linewidth=1)
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, labelcolor=MUTED)
            axes.locator_params(axis="y", nbins=5)
            figure.subplots_adjust(layout.left, 0.12, 0.98, 0.96)
            drawn[layout.name] = to_svg(figure)
    return drawn


def _look_of(result: ReplayResult, policy: PolicyResult) -> tuple[str, str]:
    """Return the colour and the dashes of a policy."""
    if policy.policy == NEVER:
        return FROZEN, "-"
    place = [one.policy for one in result.policies].index(policy.policy)
    return COLORS[place % len(COLORS)], list(DASHES)[place // len(COLORS) % len(DASHES)]


def _sample(result: ReplayResult, policy: PolicyResult) -> dict[str, str]:
    color, dashes = _look_of(result, policy)
    return {"policy": policy.policy, "color": THEME[color], "dashes": DASHES[dashes]}


def _draw_losses(axes: "Axes", result: ReplayResult) -> None:
    import numpy as np

    for policy in result.policies:
        color, dashes = _look_of(result, policy)
        known = [(_middle(one), one.loss) for one in policy.stretches if one.loss is not None]
        if not known:
            continue
        times, values = [at for at, _ in known], [metric_value(result.metric, loss) for _, loss in known]
        axes.plot(times, values, dashes, color=color, linewidth=2)
        promoted = [one.at.timestamp() for one in policy.promoted_before(result.until)]
        axes.plot(promoted, np.interp(promoted, times, values), "o", color=color, markersize=8)
    is_wide = axes.get_window_extent().width > NARROW
    spread = np.linspace(result.start.timestamp(), result.until.timestamp(), 7 if is_wide else 4)[:-1]
    axes.set_xticks(spread, [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in spread])


def _middle(stretch: StretchLoss) -> float:
    return (stretch.start.timestamp() + stretch.end.timestamp()) / 2


def _draw_ages(axes: "Axes", result: ReplayResult) -> None:
    from matplotlib.ticker import MaxNLocator

    for policy in result.policies:
        color, dashes = _look_of(result, policy)
        weeks = [one.weeks for one in policy.ages]
        values = [metric_value(result.metric, one.loss) for one in policy.ages]
        axes.plot(weeks, values, dashes, color=color, linewidth=2, marker="o", markersize=5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))


def _draw_costs(axes: "Axes", result: ReplayResult) -> None:
    for policy in result.policies:
        if policy.loss is None:
            continue
        color, dashes = _look_of(result, policy)
        place = policy.trained_rows, metric_value(result.metric, policy.loss)
        face = color if dashes == "-" else "none"
        axes.scatter(
            *place, s=120, facecolors=face, edgecolors=color, linestyles=dashes, linewidths=2, zorder=3
        )  # fmt: skip
        axes.annotate(
            f"{policy.policy} {result.spell(policy.loss)}", place, (0, 10), textcoords="offset points",
            ha="center", color=color, weight="bold",
        )  # fmt: skip
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=4)
    axes.margins(x=0.18, y=0.25)
