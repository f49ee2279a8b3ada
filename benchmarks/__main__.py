"""All figures, one benchmark after the other, each in a process of its own; kept in benchmarks/results/."""

import sys
from pathlib import Path

from benchmarks.process import environment, output_of
from benchmarks.report import read_report, show

BENCHMARKS = (
    "cli",
    "contract",
    "ingest",
    "retrain",
    "seeds",
    "demo",
    "triggers",
    "serving",
    "rollout",
    "canary",
    "drift_accuracy",
    "drift",
    "any_model.speed",
    "any_model.quality",
    "any_model.batches",
    "any_model.score",
    "gate.speed",
    "gate.bootstrap",
    "gate.answers",
    "gate.groups",
    "gate.worth",
    "gate.refits",
    "gate.poisoning",
)
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    for name in BENCHMARKS:
        printed = output_of([sys.executable, "-m", f"benchmarks.{name}", "--json"], environment())
        (RESULTS / f"{name}.json").write_text(printed, encoding="utf-8")
        show(read_report(printed))


if __name__ == "__main__":
    main()
