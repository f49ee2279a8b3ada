"""How is drawn what a version answers by?"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from millrace.domain.explanation import Dependence, Importance
from millrace.pages.drawing import (
    FROZEN,
    GRID,
    INK,
    KEPT,
    LANES,
    MUTED,
    QUARANTINED,
    REFUSED,
    Layout,
    drawing,
    to_svg,
)
from millrace.site.charts import Drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 12
WIDTHS = {"wide": 984, "narrow": 350}
HEAD, BAR = 30, 42
"""In pixels: the room above all bars, and that of each with its name."""
CURVE = Layout("curve", 320, 215, 0.17)
LINES = (KEPT, FROZEN, QUARANTINED, REFUSED, INK, MUTED)
STYLES = ("-", "--", "-.", ":")
MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚"}
"""What Matplotlib calls a marker, and how a legend writes it."""
LONGEST = 40
LONGEST_CATEGORY = 13
FOOT = 0.22
"""How much of a chart's height the most frequent numbers take."""


@dataclass(frozen=True)
class Manner:
    """How the same class is drawn in all charts of a model: its place among `LINES`, its line and marker."""

    number: int
    style: str
    marker: str

    @classmethod
    def of(cls, of: str | None, classes: tuple[str, ...]) -> "Manner":
        """Return how a class is drawn, or the one curve of a model that has none."""
        place = classes.index(of) if of in classes else 0
        number, again = place % len(LINES), place // len(LINES)
        return cls(number, STYLES[(number + again) % len(STYLES)], [*MARKERS][number])


@lru_cache(maxsize=32)
def draw_importance(name: str, measure: str, found: tuple[Importance, ...]) -> Drawn:
    """Draw how much more is lost without each of the most important columns, with its bounds."""
    shown = found[:SHOWN]
    label = "How much each column matters; the table below has each of them."
    drawn = {}
    for layout, width in WIDTHS.items():
        height = HEAD + BAR * len(shown) + HEAD
        with drawing(Layout(layout, width, height, 0.0), f"{name}-importance") as figure:
            _draw_bars(figure, shown, measure)
            figure.subplots_adjust(0.02, HEAD / height, 0.96, 1 - HEAD / height)
            drawn[layout] = to_svg(figure, label)
    return drawn


def _draw_bars(figure: "Figure", shown: tuple[Importance, ...], measure: str) -> None:
    axes = figure.subplots()
    for place, one in enumerate(shown):
        color = KEPT if one.is_sure else MUTED
        axes.barh(place, one.excess_loss, height=0.34, color=color, alpha=0.55 if one.is_sure else 0.4)
        if one.lower is not None and one.upper is not None:
            axes.plot([one.lower, one.upper], [place, place], color=color, linewidth=2.5)
        axes.text(0, place - 0.24, _short(one.name, LONGEST), color=INK, size="small", va="bottom")
    axes.set_ylim(len(shown) - 0.5, -0.75)
    axes.axvline(0, color=MUTED, linewidth=1)
    axes.set_title(f"{measure} … with the column shuffled", loc="left", size="medium", color=MUTED)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=5)
    _plain(axes, "x")


@lru_cache(maxsize=128)
def draw_curve(name: str, one: Dependence, classes: tuple[str, ...], low: float, high: float) -> str:
    """Draw the mean answer over the values of a column, between `low` and `high` as all of a version."""
    with drawing(CURVE, name) as figure:
        axes = figure.subplots()
        if one.is_numeric:
            _draw_line(axes, one, classes, low, high)
            figure.subplots_adjust(CURVE.left, 0.12, 0.97, 0.96)
        else:
            _draw_dots(axes, one, classes, low, high)
            figure.subplots_adjust(0.4, 0.12, 0.96, 0.96)
        return to_svg(figure, "The mean answer over the values of one column; the table below has its ends.")


def _draw_line(axes: "Axes", one: Dependence, classes: tuple[str, ...], low: float, high: float) -> None:
    room = (high - low) or 1.0
    foot, most = low - FOOT * room, max(one.shares) or 1.0
    widths = [right - left for left, right in zip(one.bars, one.bars[1:], strict=False)]
    heights = [FOOT * 0.8 * room * share / most for share in one.shares]
    axes.bar(one.bars[:-1], heights, widths, bottom=foot, align="edge", color=LANES[0], linewidth=0)
    for curve in one.curves:
        manner = Manner.of(curve.of, classes)
        axes.plot(one.values, curve.answers, manner.style, color=LINES[manner.number], linewidth=2.5)
    axes.set_ylim(foot, high + 0.06 * room)
    axes.locator_params(nbins=4)
    _plain(axes, "y")


def _draw_dots(axes: "Axes", one: Dependence, classes: tuple[str, ...], low: float, high: float) -> None:
    room = (high - low) or 1.0
    places = range(len(one.texts))
    for curve in one.curves:
        manner = Manner.of(curve.of, classes)
        axes.plot(curve.answers, places, manner.marker, color=LINES[manner.number], markersize=7)
    names = [
        f"{_short(text, LONGEST_CATEGORY)} {100 * share:.0f} %"
        for text, share in zip(one.texts, one.shares, strict=True)
    ]
    axes.set_yticks([*places], names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(low - 0.06 * room, high + 0.06 * room)
    axes.locator_params(axis="x", nbins=4)
    _plain(axes, "x")
    axes.grid(axis="y", color=GRID, linewidth=1)


def _plain(axes: "Axes", along: str) -> None:
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=MUTED, labelsize="small")
    axes.set_axisbelow(True)
    axes.grid(axis="x" if along == "x" else "y", color=GRID, linewidth=1)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
