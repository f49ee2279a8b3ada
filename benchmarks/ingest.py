"""What does the whole `ingest` of 1,000,000 rows by 20 columns and 30 rules cost, in seconds and in memory?

Staged, claimed, held to the contract, written as a part, committed to the ledger, pinned by DVC: once by the
steps, once by the Prefect flow with a server of its own. Each is a fresh process that has imported what it
needs before its clock starts; its peak memory is the whole process's, imports included. A disk's first write
into a fresh home is part of both.
"""

import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from benchmarks import million
from benchmarks.process import environment, output_of
from benchmarks.report import GIB, Figure, Report, make_report, run

ROUNDS = 3
MOST_SECONDS = 6.0
MOST_GIB = 1.0
PACKAGES = ("pandas", "pandera", "pyarrow", "dvc", "prefect", "sqlalchemy")

STEPS, FLOW = "steps", "flow"


def by_steps(file: Path) -> None:
    """Ingest as the flow does, without Prefect."""
    from millrace.adapters import clock
    from millrace.steps.arrivals import Arrival, stage_arrival
    from millrace.steps.batch import accept_batch, claim_batch, hold_to_contract
    from millrace.steps.claims import held
    from millrace.steps.dataset import publish_dataset

    arrival = Arrival(million.NAME, file.name, file)
    staged = stage_arrival(arrival)
    with held(claim_batch(arrival, staged, "benchmark")) as claim:
        checked = hold_to_contract(arrival, staged)
        assert checked.violations == ()
        accept_batch(arrival, checked, claim, clock.now())
    publish_dataset(million.NAME)


def by_flow(file: Path) -> None:
    from flows.ingest import ingest

    (result,) = ingest(million.NAME, [file])
    assert result.rows == million.ROWS
    assert result.outcome == "accepted"


_ADAPTERS = ("pandera.pandas", "pyarrow.parquet", "dvc.repo", "dvc.repo.add", "dvc.fs")

_LEVELS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    STEPS: (by_steps, ("millrace.steps.batch", *_ADAPTERS)),
    FLOW: (by_flow, ("flows.ingest", *_ADAPTERS)),
}


def child(level: str, file: Path) -> None:
    """Be the process that is measured; print its seconds and its peak memory."""
    from flows.server import prefect_server

    work, needed = _LEVELS[level]
    with prefect_server(*needed) if level == FLOW else nullcontext():
        for module in needed:
            import_module(module)
        start = time.perf_counter()
        work(file)
        seconds = time.perf_counter() - start
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "gib": kibibytes * 1024 / GIB}))


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "batch.parquet"
        million.clean_rows().to_parquet(file, index=False)
        million.write_model(folder / "models")
        taken: dict[str, list[dict[str, float]]] = {STEPS: [], FLOW: []}
        for number in range(rounds):
            for level, results in taken.items():
                results.append(_run_child(level, file, folder / f"{level}-{number}"))
    figures = tuple(figure for level, results in taken.items() for figure in _figures(level, results))
    title = f"ingest of {million.ROWS:,} x 20, 30 rules, {rounds} rounds in turn, medians, imports aside"
    return make_report("ingest", title, figures, PACKAGES)


def _run_child(level: str, file: Path, home: Path) -> dict[str, float]:
    (home / "prefect").mkdir(parents=True)
    env = environment(
        MILLRACE_HOME=str(home),
        MILLRACE_MODELS=str(file.parent / "models"),
        PREFECT_HOME=str(home / "prefect"),
        PREFECT_LOGGING_LEVEL="CRITICAL",
    )
    printed = output_of([sys.executable, "-m", "benchmarks.ingest", "--child", level, str(file)], env)
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def _figures(level: str, results: list[dict[str, float]]) -> tuple[Figure, Figure]:
    seconds = statistics.median(result["seconds"] for result in results)
    peak = max(result["gib"] for result in results)
    return (
        Figure(f"by {level}", round(seconds, 2), "s", MOST_SECONDS),
        Figure(f"by {level}, peak memory", round(peak, 3), "GiB", MOST_GIB),
    )


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        run(measure, ROUNDS, __doc__)
