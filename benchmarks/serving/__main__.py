"""What does an answer cost, beside a bare echo and beside what people use today?

Each server has one core and the load generator the other: 16 connections, one row of 20 columns each
request, the same scikit-learn pipeline behind all. Servers take turns, one at a time; ratios are within a
round, and the median of the rounds is shown.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.report import Figure, Grid, Report, make_report, show
from benchmarks.serving.contender import Contender
from benchmarks.serving.load import CONNECTIONS, Load, find_wrk, measure_load
from benchmarks.serving.model import Served, train_served
from benchmarks.serving.others import BENTOML, ECHO, FASTAPI, LITSERVE, MLFLOW, MLFLOW_SCHEMA, list_others
from benchmarks.serving.ours import Undone, Variant, list_ours, read_undone
from benchmarks.serving.peers import peer_versions
from benchmarks.serving.swaps import Swaps, measure_swaps
from millrace.settings import PROJECT_ROOT

ROUNDS = 3
WARM_SECONDS = 2.0
SECONDS = 5.0
BENCH = PROJECT_ROOT / "var" / "bench"
PACKAGES = (
    "uvicorn",
    "uvloop",
    "httptools",
    "onnxruntime",
    "scikit-learn",
    "pandas",
    "fastapi",
    "mlflow",
    "skops",
)

COLUMNS = ("server", "requests/s", "of the echo", "times MLflow", "p50 ms", "p99 ms", "p99 of the echo's")


@dataclass(frozen=True)
class Turn:
    """What one server did in one round."""

    load: Load
    ready_seconds: float
    memory_mib: float
    undone: Undone | None


Rounds = list[dict[str, Turn]]


def measure(rounds: int, seconds: float, only: Sequence[str]) -> Report:
    """Let the servers take turns; `only` names those that do, empty for all."""
    find_wrk()
    BENCH.mkdir(parents=True, exist_ok=True)
    served = train_served()
    # on the disk of the clone: a folder for temporary files may be in memory, where durable costs nothing
    with tempfile.TemporaryDirectory(dir=BENCH) as name:
        folder = Path(name)
        every = (*list_others(folder, served, BENCH), *list_ours(folder, served))
        wanted = [one for one in every if not only or any(word.lower() in one.name.lower() for word in only)]
        taken = [
            {one.name: _take_turn(one, served, folder, seconds) for one in wanted} for _ in range(rounds)
        ]
        swaps = measure_swaps(folder, served) if not only or "swaps" in only else None
    figures = (*_figures(taken), *(_swap_figures(swaps) if swaps else ()))
    title = (
        f"One row of 20 columns each request, {CONNECTIONS} connections, one core, {rounds} rounds in turn"
    )
    report = make_report("serving", title, figures, PACKAGES)
    grid = _grid(taken) if wanted else None
    return replace(report, grid=grid, versions={**report.versions, **peer_versions()})


def _take_turn(contender: Contender, served: Served, folder: Path, seconds: float) -> Turn:
    bodies = contender.write_bodies(folder, served.sent)
    with contender.start() as server:
        contender.check(server.port, served)
        url = f"http://127.0.0.1:{server.port}{contender.path}"
        measure_load(url, bodies, WARM_SECONDS)
        load = measure_load(url, bodies, seconds)
        undone = read_undone(server.port) if contender.name in set(Variant) else None
        return Turn(load, server.ready_seconds, server.memory_mib, undone)


def _figures(taken: Rounds) -> list[Figure]:
    """Hold the ratios to what was asked, as far as both sides were measured."""
    asked: list[Figure | None] = [
        _speed("fast log of the echo", taken, Variant.FAST, (ECHO,), 0.40),
        _speed("durable log of the echo", taken, Variant.DURABLE, (ECHO,), 0.25),
        _speed("fast log, times MLflow", taken, Variant.FAST, (MLFLOW,), 80.0),
        _speed("fast log, times MLflow with a schema", taken, Variant.FAST, (MLFLOW_SCHEMA,), None),
        _speed("fast log, times the best batched peer", taken, Variant.FAST, (BENTOML, LITSERVE), 10.0),
        _speed("with a shadow of without", taken, Variant.SHADOW, (Variant.FAST,), 0.6),
        _speed("skops, times FastAPI with a frame each", taken, Variant.SKOPS, (FASTAPI,), 10.0),
    ]
    figures = [figure for figure in asked if figure is not None]
    if _has(taken, Variant.FAST, ECHO):
        tail = median(each[Variant.FAST].load.p99_ms / each[ECHO].load.p99_ms for each in taken)
        figures.append(Figure("fast log, p99 of the echo's", tail, "x", most=2.5))
    if _has(taken, Variant.FAST):
        ready = median(each[Variant.FAST].ready_seconds for each in taken)
        memory = median(each[Variant.FAST].memory_mib for each in taken)
        figures.append(Figure("start to ready", ready, "s", most=2.0))
        figures.append(Figure("memory with one model, after the load", memory, "MiB", most=200.0))
    return figures + _undone_figures(taken)


def _undone_figures(taken: Rounds) -> list[Figure]:
    undone = [(name, turn.undone) for each in taken for name, turn in each.items() if turn.undone]
    shadows = [one.unshadowed_share for name, one in undone if name == Variant.SHADOW]
    figures = [Figure("answered rows the shadow did not score", 100 * max(shadows), "%")] if shadows else []
    if undone:
        lost = sum(one.lost_log_frames for _, one in undone)
        figures.append(Figure("log frames lost under load", lost, "", most=0.0))
    return figures


def _swap_figures(swaps: Swaps) -> tuple[Figure, ...]:
    return (
        Figure("steady p99, open loop", swaps.steady_p99_ms, "ms"),
        Figure("p99 in the second of a swap", swaps.swap_p99_ms, "ms"),
        Figure("p99 in the second of a swap, of the steady", swaps.ratio, "x", most=2.0),
        Figure("publication to the new champion's first answer", swaps.swap_seconds, "s"),
        Figure("requests that failed during swaps", swaps.failed, "", most=0.0),
    )


def _speed(
    name: str, taken: Rounds, ours: str, theirs: tuple[str, ...], least: float | None
) -> Figure | None:
    if not _has(taken, ours, *theirs):
        return None
    ratios = (
        each[ours].load.requests_per_second / max(each[one].load.requests_per_second for one in theirs)
        for each in taken
    )
    return Figure(name, median(ratios), "x", least=least)


def _has(taken: Rounds, *names: str) -> bool:
    return all(name in each for each in taken for name in names)


def _grid(taken: Rounds) -> Grid:
    return Grid(COLUMNS, tuple(_line(name, taken) for name in taken[0]))


def _line(name: str, taken: Rounds) -> tuple[str | float | None, ...]:
    loads = [each[name].load for each in taken]
    speed = median(load.requests_per_second for load in loads)
    of_echo = of_mlflow = tail = None
    if _has(taken, ECHO):
        of_echo = median(
            each[name].load.requests_per_second / each[ECHO].load.requests_per_second for each in taken
        )
        tail = median(each[name].load.p99_ms / each[ECHO].load.p99_ms for each in taken)
    if _has(taken, MLFLOW):
        of_mlflow = median(
            each[name].load.requests_per_second / each[MLFLOW].load.requests_per_second for each in taken
        )
    p50, p99 = median(load.p50_ms for load in loads), median(load.p99_ms for load in loads)
    return name, speed, of_echo, of_mlflow, p50, p99, tail


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    arguments.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often, by default {ROUNDS}")
    arguments.add_argument("--seconds", type=float, default=SECONDS, help="how long each server is loaded")
    arguments.add_argument(
        "--only", nargs="+", default=(), metavar="WORD", help="only servers so named, or `swaps`"
    )
    options = arguments.parse_args()
    report = measure(options.rounds, options.seconds, options.only)
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        show(report)


if __name__ == "__main__":
    main()
