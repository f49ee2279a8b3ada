"""How often does the gate find a model that ages, one that is luck, and one that no training gives again?

Run `python -m benchmarks.gate.refits`. Each is planted in a real model on the first quarter of flights, and a
clean one stands beside it, on other rows for each seed. For staleness the clean world is the quarter with its
days shuffled, so that no day is nearer to another; the one that moves has a column which tells who is late
and turns its sign within two months. The clean model of stability is the linear one; the one of luck sees all
columns through two sums of them that are drawn. What no training gives again draws its learning rate without
a seed. A defect counts as caught where it does not pass.
"""

import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
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
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate

MODEL, SEEDS = "flights", 60
SHARE = 0.15
PACKAGES = ("scikit-learn", "numpy", "skl2onnx")

SECTIONS: dict[str, dict[str, Any]] = {
    "staleness": {"horizon": "28d", "max_decay": 0.05, "steps": 2, "rows": 3_000, "max_data_age": "30d"},
    "stability": {"refits": 8, "rows": 20_000, "max_loss_spread": 0.03, "max_answer_spread": 0.15},
    "reproducibility": {"timeout": "5m", "exact": True},
}

PIPELINE = """
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import GaussianRandomProjection
import numpy as np

def columns(config):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    numbers, names = list(config.features.numeric), list(config.features.categorical)
    return ColumnTransformer([("n", "passthrough", numbers), ("c", codes, names)])

def luck(config):
    filled = [("columns", columns(config)), ("filled", SimpleImputer()), ("scaled", StandardScaler())]
    seen = [("seen", GaussianRandomProjection(2)), ("model", LogisticRegression())]
    return Pipeline([*filled, *seen])

def whim(config):
    rate = float(np.random.default_rng().uniform(0.05, 0.2))
    model = HistGradientBoostingClassifier(max_iter=30, learning_rate=rate)
    return Pipeline([("columns", columns(config)), ("model", model)])
"""


def measure(seeds: int) -> Report:
    """Judge as many clean and as many planted models by each rule."""
    with tempfile.TemporaryDirectory(prefix="refits-") as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _enter(Path(home))
        frame = _quarter()
        figures = tuple(one for rule in SECTIONS for one in _figures(rule, frame, seeds))
    title = f"Planted defects and clean models on flights, {seeds} of each, {SHARE:.0%} of the rows each"
    return make_report("gate.refits", title, figures, PACKAGES)


def _enter(home: Path) -> None:
    models = home / "models" / MODEL
    models.mkdir(parents=True)
    (models / "model.toml").write_bytes((PROJECT_ROOT / "models" / MODEL / "model.toml").read_bytes())
    (models / "pipeline.py").write_text(PIPELINE, "utf-8")
    os.environ |= {"MILLRACE_HOME": str(home), "MILLRACE_MODELS": str(models.parent)}


def _quarter() -> pd.DataFrame:
    dataset = find_dataset(PROJECT_ROOT / "datasets", MODEL)
    frame = read_parts(PROJECT_ROOT / "data" / MODEL, dataset.parts)
    frame = frame[frame["delayed"].notna()].reset_index(drop=True)
    return frame.assign(delayed=frame["delayed"].astype(int))


def _figures(rule: str, frame: pd.DataFrame, seeds: int) -> Iterator[Figure]:
    for is_planted in (False, True):
        name, started = f"{rule}, {'planted' if is_planted else 'clean'}", time.monotonic()
        found = Counter(
            _judge(rule, frame, seed, is_planted=is_planted)
            for seed in track(range(seeds), name, transient=True, console=Console(stderr=True))
        )
        seconds = (time.monotonic() - started) / seeds
        if is_planted:
            yield Figure(f"{name}: caught", seeds - found[Outcome.PASS], f"of {seeds}", least=seeds)
            yield Figure(f"{name}: caught for sure", found[Outcome.FAIL], f"of {seeds}")
        else:
            yield Figure(f"{name}: let through", found[Outcome.PASS], f"of {seeds}", least=seeds)
            yield Figure(f"{name}: failed", found[Outcome.FAIL], f"of {seeds}", most=0)
        yield Figure(f"{name}: training and judging", seconds, "s each")


def _judge(rule: str, frame: pd.DataFrame, seed: int, *, is_planted: bool) -> Outcome:
    rows, config = _sample(frame, seed), _config(rule)
    match rule:
        case "staleness":
            rows = _shuffled_days(rows, seed)
            rows["distance_miles"] = _telling(rows, seed, is_turning=is_planted)
        case "stability":
            config = _estimated_by(config, "pipeline:luck" if is_planted else "linear")
        case "reproducibility" if is_planted:
            config = _estimated_by(config, "pipeline:whim")
    case = make_case(config, split_frame(config, rows))
    return judge_case(case, rule).outcome


def _sample(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    kept = np.random.default_rng(seed).random(len(frame)) < SHARE
    return frame[kept].reset_index(drop=True)


def _config(rule: str) -> ModelConfig:
    config = find_model(PROJECT_ROOT / "models", MODEL)
    for other in SECTIONS:
        config = config.model_copy(update={"gate": config.gate.model_copy(update={other: None})})
    golden = config.golden.model_copy(update={"until": date(2013, 3, 1)})
    recent = config.recent.model_copy(update={"share": 0.9, "window": timedelta(days=24)})
    config = config.model_copy(update={"golden": golden, "recent": recent})
    return with_gate(config, **{rule: SECTIONS[rule]})


def _estimated_by(config: ModelConfig, estimator: str) -> ModelConfig:
    changed = config.training.model_copy(update={"estimator": estimator})
    return config.model_copy(update={"training": changed})


def _shuffled_days(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    days = rows["scheduled_departure"].dt.floor("D")
    order = np.random.default_rng([seed, 1]).permutation(days.unique())
    moved = dict(zip(days.unique(), order, strict=True))
    times = days.map(moved) + (rows["scheduled_departure"] - days)
    return rows.assign(scheduled_departure=times.astype(rows["scheduled_departure"].dtype))


def _telling(rows: pd.DataFrame, seed: int, *, is_turning: bool) -> Any:
    times = rows["scheduled_departure"]
    days = (times - times.min()).dt.days.to_numpy()
    sign = np.cos(np.pi * days / 60.0) if is_turning else 1.0
    luck = np.random.default_rng([seed, 2]).normal(size=len(rows))
    return 1_000.0 + 100.0 * (2.0 * sign * rows["delayed"].to_numpy() + luck)


if __name__ == "__main__":
    run(measure, SEEDS, __doc__)
