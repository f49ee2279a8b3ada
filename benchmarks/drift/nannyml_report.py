"""Be the process, in an environment of its own, that gives NannyML the rows; print its seconds and memory."""

import json
import sys
import time
import warnings

import pandas as pd
from nannyml import UnivariateDriftCalculator

from benchmarks.drift.memory import peak_gib

WORD = "word_"


def main(reference: str, current: str) -> None:
    warnings.simplefilter("ignore")
    then, now = pd.read_parquet(reference), pd.read_parquet(current)
    calculator = UnivariateDriftCalculator(
        column_names=[*then.columns],
        treat_as_categorical=[name for name in then if name.startswith(WORD)],
        continuous_methods=["wasserstein"],
        categorical_methods=["jensen_shannon"],
        chunk_number=1,
    ).fit(then)
    start = time.perf_counter()
    calculator.calculate(now).to_df()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "gib": peak_gib()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
