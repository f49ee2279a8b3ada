"""How often does the gate find a leak, a feature that harms, a model not worth its size, one that costs more?

Run `python -m benchmarks.gate.worth`. Each is planted in a real model on the first quarter of flights, and a
clean one stands beside it, on other rows for each seed.

A feature that leaks is the label with noise, of an AUC of 0.97 by itself; rows that leak are a tenth of the
recent ones, copied into a training day under other flight numbers. The feature that harms tells who is late,
and the opposite on the judged rows; beside it a column of noise is counted as told where it is listed as
idle. What is worth no more than the line is a single tree of each class; the clean one sees two columns of
which only the product tells; `simpler` and `linear_baseline` judge both. The costly bundle is a forest beside
boosted trees, the clean one the same bundle twice, and those of one seed are timed for all of them. A defect
counts as caught where it does not pass.
"""

from collections.abc import Callable
from functools import partial
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
from millrace.steps.rows import SplitRows
from millrace.steps.train import TrainedBundles
from tests.steps.gate.cases import judge_case, make_case, split_frame, train_on, with_columns

SHARE = 0.15
PACKAGES = ("scikit-learn", "numpy", "scipy", "onnxruntime")
QUICK = {"max_iter": 40}

SECTIONS: dict[str, dict[str, Any]] = {
    "leakage": {"max_single_feature": 0.9, "max_copied_share": 0.01},
    "features": {"repeats": 3, "min_gain": 0.01, "max_harm": 0.03},
    "simpler": {"min_gain": 0.0},
    "cost": {"max_latency_ratio": 1.5, "max_size_ratio": 1.5},
}
CASES = (
    ("leakage", "clean"),
    ("leakage", "a feature"),
    ("leakage", "copied rows"),
    ("features", "clean"),
    ("features", "a harmful one"),
    ("simpler", "clean"),
    ("simpler", "no better than a line"),
    ("linear_baseline", "clean"),
    ("linear_baseline", "no better than a line"),
    ("cost", "clean"),
    ("cost", "a forest"),
)


def measure(seeds: int) -> Report:
    """Judge as many clean and as many planted models by each rule."""
    with first_quarter() as frame:
        figures = [figure for rule, planted in CASES for figure in _figures(rule, planted, frame, seeds)]
    title = f"Planted defects and clean models on flights, {seeds} of each, {SHARE:.0%} of the rows each"
    return make_report("gate.worth", title, tuple(figures), PACKAGES)


def _figures(rule: str, planted: str, frame: pd.DataFrame, seeds: int) -> list[Figure]:
    judge, name = _JUDGES[rule], f"{rule}, {planted}"
    found, figures = count_verdicts(
        name, lambda seed: judge(frame, seed, planted), seeds, is_planted=planted != "clean"
    )
    if rule == "features":
        told = sum("removed: " in one.reason and "luck (" in one.reason for one in found)
        figures.append(Figure(f"{name}: noise told as idle", told, f"of {seeds}"))
    return figures


def _judge_leakage(frame: pd.DataFrame, seed: int, planted: str) -> Verdict:
    rows, config = sample(frame, seed, SHARE), flights("leakage", SECTIONS["leakage"])
    luck = np.random.default_rng([seed, 1])
    config = with_columns(config, {"quote": "float"}, {})
    rows["quote"] = rows["delayed"] * (2.66 if planted == "a feature" else 1.0) + luck.normal(size=len(rows))
    split = split_frame(config, rows)
    if planted == "copied rows":
        copies = split.recent.frame.sample(frac=0.1, random_state=seed)
        day = split.training.frame["scheduled_departure"].iloc[0]
        copies = copies.assign(scheduled_departure=day, flight=np.arange(len(copies)) + 20_000)
        split = split_frame(config, pd.concat([rows, copies], ignore_index=True))
    # the bundle has no part in this rule but that it names the blocks it learned from
    made = _train_once("linear", estimated_by(flights("leakage", SECTIONS["leakage"]), "linear"), split)
    return judge_case(make_case(config, split, made), "leakage")


_TRAINED: dict[str, TrainedBundles] = {}


def _train_once(name: str, config: ModelConfig, split: SplitRows) -> TrainedBundles:
    if name not in _TRAINED:
        _TRAINED[name] = train_on(config, split)
    return _TRAINED[name]


def _judge_features(frame: pd.DataFrame, seed: int, planted: str) -> Verdict:
    rows = sample(frame, seed, SHARE)
    luck = np.random.default_rng([seed, 2])
    config = with_columns(_quick(flights("features", SECTIONS["features"])), {"luck": "float"}, {})
    rows["luck"] = luck.normal(size=len(rows))
    config, telling = with_columns(config, {"omen": "float"}, {}), rows["delayed"] - 0.5
    recent = split_frame(config, rows.assign(omen=0.0)).recent.frame["scheduled_departure"]
    is_turned = (planted != "clean") & rows["scheduled_departure"].isin(recent)
    rows["omen"] = np.where(is_turned, -1.0, 1.0) * telling + luck.normal(size=len(rows))
    return judge_case(make_case(config, split_frame(config, rows)), "features")


def _judge_simpler(frame: pd.DataFrame, seed: int, planted: str, rule: str = "simpler") -> Verdict:
    rows, config = sample(frame, seed, SHARE), flights("simpler", SECTIONS["simpler"])
    luck = np.random.default_rng([seed, 3])
    config = with_columns(config, {"one": "float", "other": "float"}, {})
    rows["one"] = luck.normal(size=len(rows))
    sign = np.sign(rows["one"]) * np.where(rows["delayed"] > 0, 1.0, -1.0)
    clean = sign * np.abs(luck.normal(size=len(rows))) + luck.normal(size=len(rows))
    rows["other"] = clean if planted == "clean" else luck.normal(size=len(rows))
    config = _quick(config) if planted == "clean" else _quick(config, max_iter=1)
    return judge_case(make_case(config, split_frame(config, rows)), rule)


def _judge_cost(frame: pd.DataFrame, _seed: int, planted: str) -> Verdict:
    config = _quick(flights("cost", SECTIONS["cost"]))
    split = split_frame(config, sample(frame, 0, SHARE))
    forest = estimated_by(config, "random_forest", n_estimators=200)
    boosted = _train_once("boosted", config, split)
    made = boosted if planted == "clean" else _train_once("forest", forest, split)
    return judge_case(make_case(config, split, made, boosted.digest), "cost")


_JUDGES: dict[str, Callable[[pd.DataFrame, int, str], Verdict]] = {
    "leakage": _judge_leakage,
    "features": _judge_features,
    "simpler": _judge_simpler,
    "linear_baseline": partial(_judge_simpler, rule="linear_baseline"),
    "cost": _judge_cost,
}


def _quick(config: ModelConfig, **parameters: object) -> ModelConfig:
    return estimated_by(config, config.training.estimator, **{**QUICK, **parameters})


if __name__ == "__main__":
    run(measure, SEEDS, __doc__)
