"""Which poisoned batches of flights do the checks of `[poisoning]` stop, and how many honest ones?

The year is cut into batches of two weeks that begin on 200 different days: they overlap, and each is judged
by the disjoint ones before it alone. Labels are flipped and rare pairs of values planted. Drips go into the
batches of a week, for they need many of them. Every number is counted, whether it pleases or not.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure, Report, make_report, show
from millrace.adapters.models import load_source
from millrace.domain.config import ModelConfig
from millrace.domain.config.poisoning import PoisoningSection
from millrace.domain.poisoning.charts import judge_label_rate, judge_volume
from millrace.domain.poisoning.disagreement import judge_disagreement
from millrace.domain.poisoning.drip import judge_drip
from millrace.domain.poisoning.duplicates import judge_copies, judge_golden_copies
from millrace.domain.poisoning.judged import Judged
from millrace.domain.poisoning.profile import BatchProfile
from millrace.domain.poisoning.triggers import judge_triggers
from millrace.settings import load_settings
from millrace.steps.poisoning.copies import Grids, find_copies, find_golden_copies
from millrace.steps.poisoning.opinions import ask_opinions
from millrace.steps.poisoning.pairs import find_pairs
from millrace.steps.poisoning.screening import profile_of
from millrace.steps.stores import model_config

MODEL = "flights"
DAYS, LAST = 14, 365
LEAST = 10
WEEK, REFERENCE, SUMMED = 7, 20, 20
CLEAN, SEEDS, DRIPS = 200, 60, WEEK
PART_DAYS = 30
SECTION = PoisoningSection.model_validate(
    {
        "volume": {"min_batches": LEAST, "last_batches": 26, "false_alarms": 0.001},
        "label_rate": {"min_batches": LEAST, "last_batches": 26, "false_alarms": 0.0001},
        "drip": {
            "sums": ["batch"],
            "reference_batches": REFERENCE,
            "window_batches": SUMMED,
            "slack": 0.25,
            "false_alarms": 0.01,
        },
        "duplicates": {"max_exact_share": 0.01, "max_near_share": 0.05, "width": 0.05, "grids": 2},
        "golden_copies": {"max_share": 0.02, "width": 0.05, "grids": 2},
        "disagreement": {
            "min_batches": LEAST,
            "last_batches": 26,
            "false_alarms": 0.015,
            "deciding": ["batch"],
            "confident_share": 0.2,
            "confident_slice_share": 0.4,
            "folds": 3,
            "max_rows": 20_000,
            "min_slice_rows": 500,
            "slices": ["origin"],
        },
        "triggers": {
            "columns": [
                "carrier", "origin", "dest", "departure_minute", "arrival_minute", "distance_miles",
                "plane_age_years", "plane_seats", "day_of_week",
            ],
            "min_rows": 20,
            "min_blocks": 7,
            "min_ratio": 20.0,
            "purity": 0.95,
            "false_alarms": 0.001,
        },
    }
)  # fmt: skip

Poison = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Year:
    """The flights of the year, and the day of each."""

    config: ModelConfig
    rows: pd.DataFrame
    day: np.ndarray

    def batch(self, start: int, days: int = DAYS) -> pd.DataFrame:
        """Return the flights of these days."""
        return self.rows[(self.day >= start) & (self.day < start + days)].reset_index(drop=True)

    def before(self, start: int) -> Iterator[pd.DataFrame]:
        """Yield the flights before that day, as parts of a month."""
        for first in range(0, start, PART_DAYS):
            yield self.batch(first, min(PART_DAYS, start - first))


@cache
def read_year() -> Year:
    """Read the year as the model's source gives it."""
    source = load_source(load_settings().models, MODEL)
    parts = [source.read_batch(name) for name in source.MONTHS]  # type: ignore[attr-defined]
    rows = pd.concat(parts, ignore_index=True)
    times = rows["scheduled_departure"]
    day = ((times - times.min()).dt.total_seconds() // 86_400).to_numpy(dtype=int)
    return Year(model_config(MODEL), rows, day)


def count_batch(rows: pd.DataFrame) -> BatchProfile:
    """Count what is kept of a batch: the champion decides nothing here, and is not asked."""
    assert SECTION.disagreement is not None
    config = read_year().config
    asked = ask_opinions(config, rows, SECTION.disagreement, lambda: None, config.training.seed)
    return profile_of(config, rows, asked)


@cache
def clean_profile(start: int) -> BatchProfile:
    """Count the honest batch that begins on this day."""
    return count_batch(read_year().batch(start))


def history_of(start: int) -> list[BatchProfile]:
    """Return the counts of the disjoint honest batches before it."""
    return [clean_profile(first) for first in range(start % DAYS, start - DAYS + 1, DAYS)]


def judge_charts(profile: BatchProfile, history: Sequence[BatchProfile]) -> Judged:
    """Judge by what needs the history alone."""
    assert SECTION.volume is not None
    assert SECTION.label_rate is not None
    assert SECTION.disagreement is not None
    return (
        judge_volume(profile, history, SECTION.volume)
        + judge_label_rate(profile, history, SECTION.label_rate)
        + judge_disagreement(profile, history, SECTION.disagreement, {})
    )


def judge_rows(rows: pd.DataFrame, start: int) -> Judged:
    """Judge by what needs the rows of the dataset."""
    return find_triggers(rows, start) + find_repeats(rows, start)


def find_triggers(rows: pd.DataFrame, start: int) -> Judged:
    """Look for planted pairs, against all that came before."""
    year, policy = read_year(), SECTION.triggers
    assert policy is not None
    found = find_pairs(year.config, rows, year.before(start), policy)
    assert found is not None
    return judge_triggers(found.found, found.compared, found.batch_rows, found.known_rows, policy)


def find_repeats(rows: pd.DataFrame, start: int) -> Judged:
    """Look for copies, of golden rows too."""
    year, copies, golden = read_year(), SECTION.duplicates, SECTION.golden_copies
    assert copies is not None
    assert golden is not None
    grids = Grids.over(year.config, rows, copies.width, copies.grids)
    found = find_golden_copies(year.config, rows, year.before(start), grids)
    flags = find_copies(year.config, rows, year.before(start), grids)
    return judge_copies(flags, copies) + judge_golden_copies(found, golden)


def clean_starts(count: int) -> list[int]:
    """Return so many days with enough batches before them, as evenly spread as they can be."""
    found: list[int] = np.linspace(LEAST * DAYS, LAST - DAYS, count).round().astype(int).tolist()
    return found


def flip(share: float, origin: str | None = None) -> Poison:
    """Turn this share of the labels, of one origin where it is named."""

    def spoil(rows: pd.DataFrame, luck: np.random.Generator) -> pd.DataFrame:
        can = rows["delayed"].notna() & (rows["origin"] == origin if origin else True)
        places = np.flatnonzero(can)
        chosen = luck.choice(places, round(share * places.size), replace=False)
        rows.loc[chosen, "delayed"] = 1 - rows.loc[chosen, "delayed"]
        return rows

    return spoil


def plant(share: float, label: int) -> Poison:
    """Give this share of the rows a pair of values that never was, and one label."""

    def spoil(rows: pd.DataFrame, luck: np.random.Generator) -> pd.DataFrame:
        chosen = luck.choice(len(rows), round(share * len(rows)), replace=False)
        rows.loc[chosen, "plane_seats"], rows.loc[chosen, "dest"] = 149.0, "ANC"
        rows.loc[chosen, "delayed"] = label
        return rows

    return spoil


def spoiled(seed: int, poison: Poison) -> tuple[int, pd.DataFrame]:
    """Return the first day and the rows of a batch chosen by the seed, spoiled."""
    luck = np.random.default_rng(seed)
    start = int(luck.integers(LEAST * DAYS, LAST - DAYS + 1))
    return start, poison(read_year().batch(start), luck)


def count_clean(count: int) -> tuple[Figure, ...]:
    """Count the honest batches that are quarantined, by charts, by copies and triggers, and by either."""
    by_charts = by_rows = by_any = 0
    for start in watched(clean_starts(count), "honest batches"):
        charts = judge_charts(clean_profile(start), history_of(start)).violations
        rows = judge_rows(read_year().batch(start), start).violations
        tell(start, (*charts, *rows))
        by_charts, by_rows = by_charts + bool(charts), by_rows + bool(rows)
        by_any += bool(charts or rows)
    return (
        Figure(f"of {count} honest batches quarantined", by_any, "batches", most=0.02 * count),
        Figure("of them by charts", by_charts, "batches"),
        Figure("of them by copies and triggers", by_rows, "batches"),
    )


def count_stopped(name: str, poison: Callable[[int], Poison], seeds: int, least: float | None) -> Figure:
    """Count the poisoned batches that the charts stop."""
    stopped = 0
    for seed in watched(range(seeds), name):
        start, rows = spoiled(seed, poison(seed))
        found = judge_charts(count_batch(rows), history_of(start)).violations
        if not found:
            tell(start, (f"{name}: through",))
        stopped += bool(found)
    return Figure(f"{name}: stopped of {seeds}", stopped, "batches", least=least)


def count_triggers(share: float, label: int, seeds: int) -> Figure:
    """Count the batches with a planted pair that are stopped."""
    stopped = 0
    said = "late" if label else "in time"
    for seed in watched(range(seeds), f"backdoor, {share:.1%} {said}"):
        start, rows = spoiled(seed, plant(share, label))
        stopped += bool(find_triggers(rows, start).violations)
    return Figure(f"backdoor in {share:.1%} of rows, all {said}: stopped of {seeds}", stopped, "batches")


def count_drips(share: float, phases: int) -> tuple[Figure, ...]:
    """Drip so many flips into each week after the reference, by the drip's own check; 0 are honest weeks."""
    assert SECTION.drip is not None
    noticed, judged, after = 0, 0, []
    for phase in watched(range(phases), f"drips of {share:.0%}"):
        luck, history = np.random.default_rng(phase), []
        for number, start in enumerate(range(phase, LAST - WEEK + 1, WEEK), 1):
            rows, is_first = read_year().batch(start, WEEK), number <= REFERENCE
            profile = count_batch(rows if is_first else flip(share)(rows, luck))
            found = judge_drip(profile, history, SECTION.drip)
            judged += not found.unjudged
            if found.violations:
                noticed += 1
                after.append(number - REFERENCE)
                break
            history.append(profile)
    series = Figure(f"drip of {share:.0%} a week: noticed of {phases} series", noticed, "series")
    weeks = Figure(f"drip of {share:.0%}: weeks that were judged", judged, "weeks")
    if not after:
        return series, weeks
    mean = Figure(f"drip of {share:.0%}: noticed in week, on average", float(np.mean(after)), "")
    return series, weeks, mean


def time_checks(rows: int) -> Figure:
    """Take the time of all checks on so many rows, against a dataset of twice as many."""
    year = read_year()
    known = [year.rows.iloc[first : first + 30_000] for first in range(0, 2 * rows, 30_000)]
    batch = year.rows.iloc[-rows:].reset_index(drop=True)
    assert SECTION.triggers is not None
    assert SECTION.duplicates is not None
    began = time.perf_counter()
    judge_charts(count_batch(batch), history_of(LAST - DAYS)[:0])
    find_pairs(year.config, batch, known, SECTION.triggers)
    grids = Grids.over(year.config, batch, SECTION.duplicates.width, SECTION.duplicates.grids)
    find_copies(year.config, batch, known, grids)
    find_golden_copies(year.config, batch, known, grids)
    return Figure(f"all checks of {rows:,} rows", time.perf_counter() - began, "s", most=20.0)


ORIGINS = ("EWR", "JFK", "LGA")


def measure(clean: int, seeds: int, drips: int) -> Report:
    """Measure everything."""
    figures = (
        *count_clean(clean),
        count_stopped("10 % flips", lambda _seed: flip(0.1), seeds, least=seeds),
        count_stopped(
            "10 % flips of one origin", lambda seed: flip(0.1, ORIGINS[seed % 3]), seeds, least=seeds
        ),
        count_stopped("3 % flips", lambda _seed: flip(0.03), seeds, None),
        count_stopped("3 % flips of one origin", lambda seed: flip(0.03, ORIGINS[seed % 3]), seeds, None),
        *(count_triggers(share, label, seeds) for share in (0.005, 0.01) for label in (1, 0)),
        *(figure for share in (0.0, 0.01, 0.03) for figure in count_drips(share, drips)),
        time_checks(100_000),
    )
    title = "Poisoning: two weeks of flights (bar: 2 % of honest batches stopped, all with 10 % of flips)"
    return make_report("gate.poisoning", title, figures, ("numpy", "pandas", "scikit-learn", "scipy"))


def watched(items: Sequence[int], what: str) -> Iterator[int]:
    """Show how far it is."""
    yield from track(items, description=what, console=Console(stderr=True))


def tell(start: int, found: Sequence[object]) -> None:
    """Say what is odd about a batch, where somebody wants to know."""
    if found and os.environ.get("POISONING_DETAIL"):
        Console(stderr=True).print(start, *(getattr(one, "message", one) for one in found), sep="\n  ")


def main() -> None:
    """Print the table, or one line of JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    arguments.add_argument("--clean", type=int, default=CLEAN, help=f"honest batches, by default {CLEAN}")
    arguments.add_argument("--seeds", type=int, default=SEEDS, help=f"of each poison, by default {SEEDS}")
    arguments.add_argument(
        "--drips",
        type=int,
        default=DRIPS,
        choices=range(1, WEEK + 1),
        metavar="1-7",
        help=f"series, by default {DRIPS}",
    )
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MILLRACE_HOME"] = str(Path(home))
        os.environ.pop("MILLRACE_LEDGER_URL", None)
        report = measure(options.clean, options.seeds, options.drips)
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        show(report)


if __name__ == "__main__":
    main()
