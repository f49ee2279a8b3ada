"""How long does `millrace demo` take, once installed?

It is what `make demo` runs: it empties and fills var/demo of this clone.
"""

import statistics

from benchmarks.process import MILLRACE, environment, seconds_of
from benchmarks.report import Figure, Report, make_report, run

ROUNDS = 1
MOST_SECONDS = 300.0
PACKAGES = ("prefect", "mlflow", "scikit-learn", "onnxruntime", "pandas", "dvc")


def measure(rounds: int) -> Report:
    seconds = statistics.median(seconds_of([MILLRACE, "demo"], environment()) for _ in range(rounds))
    figure = Figure("millrace demo", round(seconds, 1), "s", MOST_SECONDS)
    return make_report("demo", "the demo: the year 2013, the whole process", (figure,), PACKAGES)


if __name__ == "__main__":
    run(measure, ROUNDS, __doc__)
