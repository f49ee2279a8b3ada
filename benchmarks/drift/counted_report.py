"""Be the process that counts a window and has Evidently score its counts; print seconds and peak memory."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.drift.memory import peak_gib
from benchmarks.drift.window import TYPES, reference_of
from millrace.adapters.drift_report import score_columns
from millrace.adapters.profiling import profile_parquet
from millrace.domain.canonical import readable_json
from millrace.domain.config import ColumnTest, DriftSection, DriftTest
from millrace.domain.drift import Samples
from millrace.domain.profile import Profile, Reference
from millrace.steps.monitoring.drift import compare_windows

POLICY = DriftSection(
    numeric=ColumnTest(test=DriftTest.WASSERSTEIN, threshold=0.1),
    categorical=ColumnTest(test=DriftTest.JENSEN_SHANNON, threshold=0.1),
    min_rows=1_000,
    confidence=0.95,
    max_unseen_share=0.01,
    max_column_share=0.3,
    windows=1,
)


def main(reference: Path, current: Path) -> None:
    nothing = Profile(0, (), ())
    score_columns(
        {"x": Samples(np.ones(2), np.ones(2), is_categorical=False, test=POLICY.numeric)}
    )  # imports
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        learned = profile_parquet([reference], reference_of(), TYPES, executor).profile
        start = time.perf_counter()
        counted = profile_parquet([current], learned.emptied, TYPES, executor)
    profiled = time.perf_counter()
    windows = (Reference(one, nothing, nothing) for one in (learned, counted.profile))
    found = compare_windows(*windows, counted.troubles, POLICY)
    readable_json(found)
    done = time.perf_counter()
    scored = sum(column.score is not None for column in found.columns)
    assert scored == len(learned.names), found.columns
    print(json.dumps({"seconds": done - start, "report": done - profiled, "gib": peak_gib()}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
