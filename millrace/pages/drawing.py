"""How is a chart drawn so that it follows the page's light and dark theme, under a strict policy too?"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Matplotlib knows no CSS variables: it draws with stand-ins, and the page's light and dark theme
# takes their place afterwards.
INK, MUTED, GRID, PAPER = "#0a0b00", "#0a0b01", "#0a0b02", "#0a0b03"
KEPT, FROZEN, REFUSED, QUARANTINED = "#0a0b04", "#0a0b05", "#0a0b06", "#0a0b07"
LANES = ("#0a0b08", "#0a0b09")
THEME = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    KEPT: "var(--kept)",
    FROZEN: "var(--frozen)",
    REFUSED: "var(--refused)",
    QUARANTINED: "var(--quarantined)",
    LANES[0]: "var(--lane)",
    LANES[1]: "var(--lane-too)",
}

POINTS_PER_INCH = 72
_LEFT_TO_THE_PAGE = ("font-family", "font")


@dataclass(frozen=True)
class Layout:
    """A drawing of the same thing for one width of screen, in CSS pixels; `left` is a share of the width."""

    name: str
    width: int
    height: int
    left: float


@contextmanager
def drawing(layout: Layout, name: str = "") -> Iterator["Figure"]:
    """Give a figure to draw on; `name` tells the ids of several charts on one page apart."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text stays text: it takes the page's font, can be found and copied, and weighs nothing.
    salt = f"{name}{layout.name}"
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": salt, "text.parse_math": False, "font.size": 13}
    ):
        # one of its points is a CSS pixel
        yield Figure(figsize=(layout.width / POINTS_PER_INCH, layout.height / POINTS_PER_INCH))


def to_svg(figure: "Figure", label: str | None = None) -> str:
    """Return the figure as an SVG element; one without a `label` is nothing for those who listen."""
    drawn = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    for stand_in, variable in THEME.items():
        svg = svg.replace(stand_in, variable)
    # Groups are numbered alike in every drawing, and one page must not hold an id twice.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    # A page's policy may forbid styles within it, which attributes are not.
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' style="([^"]*)"', lambda found: _as_attributes(found[1]), svg)
    seen = f'role="img" aria-label="{label}"' if label else 'aria-hidden="true"'
    head = rf'<svg \1 {seen} stroke-linejoin="round" stroke-linecap="butt">'
    return re.sub(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', head, svg, count=1)


def _as_attributes(style: str) -> str:
    stated = (one.partition(":") for one in style.split(";") if one.strip())
    return "".join(
        f' {name.strip()}="{value.strip()}"'
        for name, _, value in stated
        if name.strip() not in _LEFT_TO_THE_PAGE
    )
