"""What does it cost to look at a window, whatever its size?

The window is made from a seed: 16 numbers, with light and heavy tails, nulls and single precision, and 4
words of 5 to 100 categories. What is compared is measured in turn, on as many threads as there are cores.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.drift import counting, logged, reports
from benchmarks.report import Report, make_report, run
from benchmarks.serving.peers import peer_versions

ROUNDS = 5
SECTIONS = (counting.figures, logged.figures, reports.figures)
PACKAGES = ("evidently", "numpy", "pyarrow")


def measure(rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        figures = tuple(figure for section in SECTIONS for figure in section(Path(folder), rounds))
    report = make_report("drift", f"drift at any size, medians of {rounds} rounds", figures, PACKAGES)
    versions = report.versions | peer_versions(reports.PINS, reports.PEERS)
    return replace(report, versions=versions)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
