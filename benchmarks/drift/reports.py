"""What does a drift report cost, from the file of a window to the scores, beside those made from its rows?

Each is made by a process of its own, which imports first and reads the clock then. Ours reads and counts the
file on the clock; the rows of the others are in memory before. The reference is there already: as counts, or
as rows.
"""

import json
import statistics
import sys
from pathlib import Path

from benchmarks.drift.window import write_window
from benchmarks.process import environment, output_of
from benchmarks.report import Figure
from benchmarks.serving.peers import ensure_peers
from millrace.settings import PROJECT_ROOT, TELEMETRY_OFF

ROWS, FEW_ROWS = 1_000_000, 100_000
PINS = Path(__file__).with_name("peers.txt")
PEERS = ("nannyml",)

MOST_REPORT_SECONDS = 1.5
LEAST_TIMES_FASTER = 40.0


def figures(folder: Path, rounds: int) -> tuple[Figure, ...]:
    """Measure ours before and after each of the others, which take minutes, once."""
    reference = write_window(folder / "reference.parquet", ROWS, seed=1)
    few = write_window(folder / "few_rows.parquet", FEW_ROWS, seed=6)
    many = write_window(folder / "many_rows.parquet", ROWS, seed=7)
    small = [_ours(reference, few) for _ in range(rounds)]
    before = [_ours(reference, many) for _ in range(rounds)]
    preset, nannyml = _preset(reference, many), _nannyml(reference, many)
    ours = [*before, *(_ours(reference, many) for _ in range(rounds))]
    return (*_of_ours(small, ours), *_of_others(ours, preset, nannyml))


def _of_ours(small: list[dict[str, float]], ours: list[dict[str, float]]) -> tuple[Figure, ...]:
    few, many = (statistics.median(one["report"] for one in runs) for runs in (small, ours))
    memory = max(one["gib"] for one in ours)
    return (
        Figure(f"report on the profile of {FEW_ROWS:,} x 20", round(few, 2), "s", MOST_REPORT_SECONDS),
        Figure(f"report on the profile of {ROWS:,} x 20", round(many, 2), "s", MOST_REPORT_SECONDS),
        Figure(f"{ROWS:,} x 20, profile and report", round(_seconds(ours), 2), "s"),
        Figure(f"{ROWS:,} x 20, profile and report, peak memory", round(memory, 2), "GiB"),
    )


def _of_others(
    ours: list[dict[str, float]], preset: dict[str, float], nannyml: dict[str, float]
) -> tuple[Figure, ...]:
    faster = preset["seconds"] / _seconds(ours)
    return (
        Figure(f"{ROWS:,} x 20, Evidently's preset on rows", round(preset["seconds"], 1), "s"),
        Figure(f"{ROWS:,} x 20, Evidently's preset, peak memory", round(preset["gib"], 2), "GiB"),
        Figure("Evidently's preset / ours", round(faster, 1), "times", least=LEAST_TIMES_FASTER),
        Figure(f"{ROWS:,} x 20, NannyML on rows", round(nannyml["seconds"], 1), "s"),
        Figure(f"{ROWS:,} x 20, NannyML, peak memory", round(nannyml["gib"], 2), "GiB"),
        Figure("NannyML / ours", round(nannyml["seconds"] / _seconds(ours), 1), "times"),
    )


def _seconds(ours: list[dict[str, float]]) -> float:
    return statistics.median(one["seconds"] for one in ours)


def _ours(reference: Path, current: Path) -> dict[str, float]:
    return _by_child(sys.executable, "-m", "benchmarks.drift.counted_report", str(reference), str(current))


def _preset(reference: Path, current: Path) -> dict[str, float]:
    return _by_child(sys.executable, "-m", "benchmarks.drift.preset_report", str(reference), str(current))


def _nannyml(reference: Path, current: Path) -> dict[str, float]:
    python = ensure_peers(PROJECT_ROOT / "var" / "bench", PINS, PEERS)
    return _by_child(str(python), "-m", "benchmarks.drift.nannyml_report", str(reference), str(current))


def _by_child(*command: str) -> dict[str, float]:
    printed = output_of(command, environment(**TELEMETRY_OFF, NML_DISABLE_USAGE_LOGGING="1"))
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found
