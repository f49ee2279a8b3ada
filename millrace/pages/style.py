"""How do all pages look? It needs no template engine: the prediction service has none."""

from pathlib import Path

_SHARED = Path(__file__).with_name("style.css")


def read_style(own: Path) -> str:
    """Return the style all pages share, then what the page of the file `own` adds to it."""
    return _SHARED.read_text("utf-8") + own.read_text("utf-8")
