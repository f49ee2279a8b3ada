"""How do all pages look? It needs no template engine: the prediction service has none."""

from pathlib import Path

_SHARED = Path(__file__).with_name("style.css")
TABLES = Path(__file__).with_name("tables.css")
"""How badges and the tables of verdicts look, on pages that have some."""
GATE = Path(__file__).with_name("gate.css")
"""How the report of the gate looks."""


def read_style(*own: Path) -> str:
    """Return the style all pages share, then what the page of the files `own` adds to it."""
    return "".join(path.read_text("utf-8") for path in (_SHARED, *own))
