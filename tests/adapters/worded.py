"""The planted model with a column of texts, in which one word decides. Runs as a program too."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from millrace.adapters.bundle import write_bundle
from millrace.domain.config import ModelConfig
from millrace.domain.kinds import Task
from tests.adapters.planted import pack, planted_config, planted_rows, train

WORDS = "the a parcel came late on time größe Straße 日本 kaputt 42 7 x it's 😀 never again zürich".split()  # noqa: SIM905 - as a person reads it
DECIDING = "KAPUTT"
ODD_TEXTS = [
    "",
    "   ",
    "!!! ... ???",
    "KAPUTT",
    "kaputt",
    "Kaputt!",
    "(kaputt)",
    "x",
    "a a a a a a a kaputt",
    "GRÖSSE größe Größe",
    "ZÜRICH",
    "zu\u0308rich",
    "😀",
    "😀😀 kaputt😀",
    "日本",
    "42 7 42",
    "tab\tnew\nline\r\nzero\x00",
    "under_score kaputt-kaputt",
    "__null__",
    "kaputt " * 5_000,
    "w" * 30_000,
    "\ud83d half an emoji",
    "# ## kaputt #",
]


def worded_config(task: Task, estimator: str = "linear", **training: Any) -> ModelConfig:
    plain = planted_config(task, estimator, **training).model_dump(exclude_none=True)
    plain["features"]["text"] = ("note",)
    plain["contract"]["columns"]["note"] = {"type": "string", "max_null_share": 0.2}
    plain["retrain"]["cooldown"] = "6h"
    return ModelConfig.model_validate(plain)


def worded_rows(task: Task, rows: int = 600, seed: int = 0) -> pd.DataFrame:
    rng, frame = np.random.default_rng(seed), planted_rows(task, rows, seed)
    hit = rng.random(rows) < 0.5
    notes = [" ".join(rng.choice(WORDS, rng.integers(0, 12))).replace("kaputt", "") for _ in range(rows)]
    frame["note"] = [f"{note}, {DECIDING}!" if one else note for note, one in zip(notes, hit, strict=True)]
    match task:
        case Task.REGRESSION:
            frame["y"] = 10.0 * hit + rng.normal(0.0, 0.1, rows)
        case Task.BINARY:
            frame["y"] = hit.astype(int)
        case Task.MULTICLASS:
            frame["y"] = np.where(hit, "late", np.where(frame["holiday"], "early", "on time"))
    frame.loc[~hit & (rng.random(rows) < 0.2), "note"] = None
    return frame


FEW: dict[str, Any] = {"parameters": {"n_estimators": 20}}
REPRODUCIBLE: list[tuple[Task, str, dict[str, Any]]] = [
    (Task.BINARY, "random_forest", FEW | {"calibration": "isotonic", "class_weight": "balanced"}),
    (Task.MULTICLASS, "lightgbm", FEW | {"calibration": "sigmoid"}),
    (Task.REGRESSION, "lightgbm", FEW),
    (Task.BINARY, "xgboost", FEW | {"class_weight": "balanced"}),
    (Task.REGRESSION, "xgboost", FEW),
    (Task.BINARY, "linear", {"calibration": "isotonic"}),
    (Task.BINARY, "hist_gradient_boosting", {"calibration": "sigmoid"}),
]

if __name__ == "__main__":
    for task, estimator, training in REPRODUCIBLE:
        bundle = pack(train(worded_config(task, estimator, **training), worded_rows(task, 1_000)))
        sys.stdout.write(write_bundle(Path(sys.argv[1]), *bundle) + "\n")
