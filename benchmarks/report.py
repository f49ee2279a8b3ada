"""How is a figure shown to people, and kept so that a later run can be compared with it?"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

GIB = 1 << 30


@dataclass(frozen=True)
class Figure:
    """One measured number; `most` and `least` are what was asked of it, None where nothing was."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def standing(self) -> str:
        if self.most is not None and self.value > self.most:
            return "OVER"
        if self.least is not None and self.value < self.least:
            return "UNDER"
        return "" if self.most is None and self.least is None else "holds"

    @property
    def asked(self) -> str:
        bounds = (("at most", self.most), ("at least", self.least))
        said = (f"{word} {bound:,.3g} {self.unit}".rstrip() for word, bound in bounds if bound is not None)
        return ", ".join(said)


@dataclass(frozen=True)
class Grid:
    """Contenders beside each other; the first of `columns` and of each row is the name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Report:
    """The figures of one benchmark, with what they were measured on."""

    benchmark: str
    title: str
    figures: tuple[Figure, ...]
    versions: dict[str, str]
    machine: dict[str, str | int | float]
    grid: Grid | None = None


def make_report(benchmark: str, title: str, figures: tuple[Figure, ...], packages: tuple[str, ...]) -> Report:
    """Return the figures with the versions of `packages` and the kind of this machine."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    return Report(benchmark, title, figures, versions, describe_machine())


def describe_machine() -> dict[str, str | int | float]:
    """Return the machine's kind, and how busy it was: the load explains a figure that is off."""
    return {
        "cpus": os.cpu_count() or 0,
        "architecture": platform.machine(),
        "system": platform.system(),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "load_1min": round(psutil.getloadavg()[0], 2),
    }


def read_report(text: str) -> Report:
    """Read what `--json` printed."""
    fields = json.loads(text)
    figures = tuple(Figure(**figure) for figure in fields.pop("figures"))
    grid = fields.pop("grid", None)
    return Report(figures=figures, grid=None if grid is None else Grid(**grid), **fields)


def show(report: Report) -> None:
    """Print the table a person reads."""
    table = Table("figure", "measured", "asked", "", box=SIMPLE_HEAD, pad_edge=False)
    for figure in report.figures:
        table.add_row(figure.name, f"{figure.value:,.3g} {figure.unit}", figure.asked, figure.standing)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(report.title, style="bold")
    if report.grid is not None:
        console.print(_table_of(report.grid))
    if report.figures:
        console.print(table)
    taken = {**report.machine, **report.versions}
    console.print(", ".join(f"{name} {value}" for name, value in taken.items()), style="dim")


def _table_of(grid: Grid) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in grid.columns:
        table.add_column(column, justify="left" if column == grid.columns[0] else "right")
    for name, *values in grid.rows:
        table.add_row(str(name), *("" if value is None else f"{value:,.3g}" for value in values))
    return table


def run(measure: Callable[[int], Report], rounds: int, question: str | None) -> None:
    """Measure as the command line asks, and print the table or, with `--json`, one line of JSON."""
    arguments = argparse.ArgumentParser(description=question)
    arguments.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    arguments.add_argument("--rounds", type=int, default=rounds, help=f"how often, by default {rounds}")
    options = arguments.parse_args()
    report = measure(options.rounds)
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        show(report)
