"""How often does the gate find a model that ages, one that is luck, and one that no training gives again?

Run `python -m benchmarks.gate.refits`. Each is planted in a real model on the first quarter of flights, and a
clean one stands beside it, on other rows for each seed. For staleness the clean world is the quarter with its
days shuffled, so that no day is nearer to another; the one that moves has a column which tells who is late
and turns its sign within two months. The clean model of stability is the linear one; the one of luck sees all
columns through two sums of them that are drawn. What no training gives again draws its learning rate without
a seed. A defect counts as caught where it does not pass.
"""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.gate.planted_flights import (
    SEEDS,
    count_verdicts,
    estimated_by,
    first_quarter,
    flights,
    sample,
)
from benchmarks.report import Figure, Report, make_report, run
from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Verdict
from tests.steps.gate.cases import judge_case, make_case, split_frame

SHARE = 0.15
PACKAGES = ("scikit-learn", "numpy", "skl2onnx")

SECTIONS: dict[str, dict[str, Any]] = {
    "staleness": {"horizon": "28d", "max_decay": 0.05, "steps": 2, "rows": 3_000, "max_data_age": "30d"},
    "stability": {"refits": 16, "rows": 20_000, "max_loss_spread": 0.03, "max_answer_spread": 0.15},
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
    with first_quarter(pipeline=PIPELINE) as frame:
        figures = [
            figure
            for rule in SECTIONS
            for is_planted in (False, True)
            for figure in _figures(rule, frame, seeds, is_planted=is_planted)
        ]
    title = f"Planted defects and clean models on flights, {seeds} of each, {SHARE:.0%} of the rows each"
    return make_report("gate.refits", title, tuple(figures), PACKAGES)


def _figures(rule: str, frame: pd.DataFrame, seeds: int, *, is_planted: bool) -> list[Figure]:
    def judge(seed: int) -> Verdict:
        rows, config = sample(frame, seed, SHARE), _config(rule)
        match rule:
            case "staleness":
                rows = _shuffled_days(rows, seed)
                rows["distance_miles"] = _telling(rows, seed, is_turning=is_planted)
            case "stability":
                config = estimated_by(config, "pipeline:luck" if is_planted else "linear")
            case "reproducibility" if is_planted:
                config = estimated_by(config, "pipeline:whim")
        return judge_case(make_case(config, split_frame(config, rows)), rule)

    name = f"{rule}, {'planted' if is_planted else 'clean'}"
    return count_verdicts(name, judge, seeds, is_planted=is_planted)[1]


def _config(rule: str) -> ModelConfig:
    config = flights(rule, SECTIONS[rule], days=24)
    return config.model_copy(update={"recent": config.recent.model_copy(update={"share": 0.9})})


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
