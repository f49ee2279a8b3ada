"""What the studies of planted defects share: flights of the first quarter, and how verdicts are counted."""

import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure
from millrace.adapters.dataset_files import find_dataset
from millrace.adapters.models import find_model
from millrace.adapters.parts import read_parts
from millrace.domain.config import ModelConfig
from millrace.domain.gate.code import Code
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Outcome, Verdict
from millrace.settings import PROJECT_ROOT
from millrace.steps.rows import LabelledRows, SplitRows
from tests.steps.gate.cases import with_gate

MODEL, SEEDS = "flights", 60
FIRST_SEED = 1_000
"""The limits of the studies were chosen on smaller seeds."""
NOT_MEASURED = {Code.ERROR, Code.ABSENT, Code.TIMEOUT}
SECTIONS = (
    "slices", "fairness", "simpler", "leakage", "features", "cost", "staleness", "stability",
    "reproducibility", "robustness", "calibration", "behaviour",
)  # fmt: skip
"""Those of the gate that a study asks for one at a time."""


@contextmanager
def first_quarter(**files: str) -> Iterator[pd.DataFrame]:
    """Enter a home of its own, with these files beside the model's configuration, and give the flights.

    They come from this clone's data: `millrace data restore` brings it.
    """
    with tempfile.TemporaryDirectory(prefix="planted-") as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(home) / "models" / MODEL
        folder.mkdir(parents=True)
        (folder / "model.toml").write_bytes((PROJECT_ROOT / "models" / MODEL / "model.toml").read_bytes())
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".py").write_text(text, "utf-8")
        os.environ |= {"MILLRACE_HOME": home, "MILLRACE_MODELS": str(folder.parent)}
        dataset = find_dataset(PROJECT_ROOT / "datasets", MODEL)
        frame = read_parts(PROJECT_ROOT / "data" / MODEL, dataset.parts)
        frame = frame[frame["delayed"].notna()].reset_index(drop=True)
        yield frame.assign(delayed=frame["delayed"].astype(int))


def sample(frame: pd.DataFrame, seed: int, share: float) -> pd.DataFrame:
    """Draw this share of the rows, others for each seed."""
    kept = np.random.default_rng(seed).random(len(frame)) < share
    return frame[kept].reset_index(drop=True)


def flights(section: str = "", asked: Mapping[str, Any] | None = None, *, days: int = 49) -> ModelConfig:
    """Return the model with one section in its gate; half of the last `days` and of the days before judge."""
    config = find_model(PROJECT_ROOT / "models", MODEL)
    gate = config.gate.model_copy(update=dict.fromkeys(SECTIONS))
    golden = config.golden.model_copy(update={"until": date(2013, 3, 1)})
    recent = config.recent.model_copy(update={"share": 0.5, "window": timedelta(days=days)})
    config = config.model_copy(update={"gate": gate, "golden": golden, "recent": recent})
    return with_gate(config, **({section: asked} if asked is not None else {}))


def estimated_by(config: ModelConfig, estimator: str, **parameters: object) -> ModelConfig:
    """Return it with another estimator."""
    changed = config.training.model_copy(update={"estimator": estimator, "parameters": parameters})
    return config.model_copy(update={"training": changed})


def seeded(config: ModelConfig, seed: int, **parameters: object) -> ModelConfig:
    """Return it with another seed, and with these parameters."""
    changed = config.training.model_copy(update={"seed": seed, "parameters": parameters})
    return config.model_copy(update={"training": changed})


def taught(rows: SplitRows, labels: FloatArray) -> SplitRows:
    """Return the same rows to judge by, and others labels to learn."""
    return replace(rows, training=LabelledRows(rows.training.frame, labels, rows.training.blocks))


def count_verdicts(
    name: str, judge: Callable[[int], Verdict], count: int, *, is_planted: bool
) -> tuple[list[Verdict], list[Figure]]:
    """Judge once for each of so many seeds; a defect that does not pass counts as caught.

    Raises
    ------
    ValueError
        If a rule could not be measured: nothing is caught by that.
    """
    started, all_of_them, seeds = time.monotonic(), f"of {count}", range(FIRST_SEED, FIRST_SEED + count)
    found = [judge(seed) for seed in track(seeds, name, transient=True, console=Console(stderr=True))]
    if broken := [one for one in found if one.code in NOT_MEASURED]:
        raise ValueError(f"{name}: {broken[0].code}: {broken[0].reason}")
    passed, failed = (
        Counter(one.outcome for one in found)[outcome] for outcome in (Outcome.PASS, Outcome.FAIL)
    )
    if is_planted:
        figures = [
            Figure(f"{name}: caught", count - passed, all_of_them, least=count),
            Figure(f"{name}: caught for sure", failed, all_of_them),
        ]
    else:
        figures = [
            Figure(f"{name}: let through", passed, all_of_them, least=count),
            Figure(f"{name}: failed", failed, all_of_them, most=0),
        ]
    seconds = (time.monotonic() - started) / count
    return found, [*figures, Figure(f"{name}: training and judging", seconds, "s each")]
