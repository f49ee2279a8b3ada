"""Be the process that gives Evidently's preset the rows, by the same tests; print seconds and peak memory."""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from benchmarks.drift.memory import peak_gib
from benchmarks.drift.window import WORDS


def main(reference: Path, current: Path) -> None:
    warnings.simplefilter("ignore")
    then, now = pd.read_parquet(reference), pd.read_parquet(current)
    numbers = [name for name in then if name not in WORDS]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=[*WORDS])
    preset = DataDriftPreset(
        num_method="wasserstein", num_threshold=0.1, cat_method="jensenshannon", cat_threshold=0.1
    )
    start = time.perf_counter()
    windows = [Dataset.from_pandas(frame, definition) for frame in (now, then)]
    Report([preset]).run(*windows).json()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "gib": peak_gib()}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
