"""How often does the gate find a model that is worse in one slice, or for one group of people?

Run `python -m benchmarks.gate.groups`. Each is planted in a real model on the first quarter of flights, and a
clean one of another seed stands beside it, on other rows for each seed. The planted one learned delays of one
airport at random, or that flights of one half of the passengers, which it knows by a column that is shifted
for them, are late. Nobody knows who flew: halves and seats are drawn. A defect counts as caught where it does
not pass.
"""

import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure, Report, make_report, run
from millrace.adapters.dataset_files import find_dataset
from millrace.adapters.models import find_model
from millrace.adapters.parts import read_parts
from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Outcome
from millrace.settings import PROJECT_ROOT
from millrace.steps.rows import LabelledRows, SplitRows
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate

MODEL, SEEDS = "flights", 20
SHARE = 0.5
PACKAGES = ("scikit-learn", "fairlearn", "numpy", "skl2onnx")

SECTIONS: dict[str, dict[str, Any]] = {
    "slices": {
        "columns": ["origin", "carrier", "departure_minute", "origin*departure_minute"],
        "max_harm": 0.05, "min_blocks": 14, "min_share": 0.1, "bins": 3,
    },
    "fairness": {
        "columns": ["half", "seat", "half*seat"],
        "max_parity_difference": 0.1, "max_odds_difference": 0.15, "min_rows": 100, "min_share": 0.1,
    },
}  # fmt: skip


def measure(seeds: int) -> Report:
    """Judge as many clean and as many planted models by each rule."""
    with tempfile.TemporaryDirectory(prefix="groups-") as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ |= {"MILLRACE_HOME": home, "MILLRACE_MODELS": str(PROJECT_ROOT / "models")}
        frame = _quarter()
        figures = tuple(one for rule in SECTIONS for one in _figures(rule, frame, seeds))
    title = f"A slice or a group treated worse, on flights, {seeds} planted and {seeds} clean models each"
    return make_report("gate.groups", title, figures, PACKAGES)


def _quarter() -> pd.DataFrame:
    dataset = find_dataset(PROJECT_ROOT / "datasets", MODEL)
    frame = read_parts(PROJECT_ROOT / "data" / MODEL, dataset.parts)
    frame = frame[frame["delayed"].notna()].reset_index(drop=True)
    return frame.assign(delayed=frame["delayed"].astype(int))


def _figures(rule: str, frame: pd.DataFrame, seeds: int) -> Iterator[Figure]:
    started, clean, planted = time.monotonic(), Counter[Outcome](), Counter[Outcome]()
    for seed in track(range(seeds), rule, transient=True, console=Console(stderr=True)):
        rows = split_frame(_config(rule, seed), _sample(frame, seed))
        champion = make_case(_config(rule, 1_000 + seed), rows).trained.digest
        for counted, taught in ((clean, rows), (planted, _spoilt(rule, rows, seed))):
            case = make_case(_config(rule, seed), taught, champion=champion)
            counted[judge_case(case, rule).outcome] += 1
    yield Figure(f"{rule}, planted: caught", seeds - planted[Outcome.PASS], f"of {seeds}", least=seeds)
    yield Figure(f"{rule}, planted: caught for sure", planted[Outcome.FAIL], f"of {seeds}")
    yield Figure(f"{rule}, clean: let through", clean[Outcome.PASS], f"of {seeds}", least=seeds)
    yield Figure(f"{rule}, clean: failed", clean[Outcome.FAIL], f"of {seeds}", most=0)
    yield Figure(f"{rule}: three trainings and two judgements", (time.monotonic() - started) / seeds, "s")


def _config(rule: str, seed: int) -> ModelConfig:
    config = find_model(PROJECT_ROOT / "models", MODEL)
    document = config.model_dump(exclude_none=True)
    document["contract"]["columns"] |= {"half": {"type": "string"}, "seat": {"type": "string"}}
    document["training"] |= {"seed": seed, "parameters": {"max_iter": 40}}
    for other in SECTIONS:
        document["gate"].pop(other, None)
    return with_gate(ModelConfig.model_validate(document), **{rule: SECTIONS[rule]})


def _sample(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    source = np.random.default_rng(seed)
    rows = frame[source.random(len(frame)) < SHARE].reset_index(drop=True)
    is_first = source.random(len(rows)) < 0.5
    # the pressure is known to the model, and tells the halves apart from now on
    pressure = rows["pressure_mbar"] + np.where(is_first, 0.0, 100.0)
    half, seat = np.where(is_first, "first", "second"), source.choice(["aisle", "window"], len(rows))
    return rows.assign(half=half, seat=seat, pressure_mbar=pressure)


def _spoilt(rule: str, rows: SplitRows, seed: int) -> SplitRows:
    """Let the training rows of some say what is not so; what judges stays as it is."""
    training, source = rows.training, np.random.default_rng(seed + 1)
    labels, frame = training.labels.copy(), training.frame
    if rule == "slices":
        chosen = (frame["origin"] == "LGA").to_numpy()
        labels[chosen] = source.permutation(labels[chosen])
    else:
        chosen = ((frame["half"] == "second") & frame["pressure_mbar"].notna()).to_numpy()
        labels[chosen & (source.random(len(labels)) < 0.4)] = 1.0
    return replace(rows, training=LabelledRows(frame, labels, training.blocks))


if __name__ == "__main__":
    run(measure, SEEDS, __doc__)
