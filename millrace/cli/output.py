"""How does a verb speak to people and to machines?"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from millrace.domain.canonical import readable_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHORT = 12
"""Characters of a digest that people read."""

FALLBACK = "served by scikit-learn and not as a graph, so a row takes milliseconds and not microseconds"
"""What it means that a bundle is no graph; the reason follows."""


def console() -> "Console":
    """Return the terminal; where there is none, lines keep their width.

    What it prints is not ours: `[golden]` in a reason is no colour, `[/]` in a batch no mistake.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() else 160
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_json(value: Any) -> None:
    """Write `value` as JSON to standard output."""
    sys.stdout.write(readable_json(value))


def short(digest: str | None) -> str:
    """Return the part of a digest that people read."""
    return digest[:SHORT] if digest else "none"


def table(*columns: str) -> "Table":
    """Return an empty table that looks like all the others."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False)


@contextmanager
def watched(title: str) -> Iterator[None]:
    """Show on a terminal what the flow inside the block is doing."""
    from millrace.steps.progress import listener

    with console().status(title) as status:

        def show(step: str, done: int, total: int) -> None:
            status.update(f"{title} · {step}" + (f" {done}/{total}" if total else ""))

        token = listener.set(show)
        try:
            yield
        finally:
            listener.reset(token)
