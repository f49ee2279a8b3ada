"""Rows whose answer is known, and the model that learns it: 100,000 by 20, a binary target, 200 days."""

from pathlib import Path

import numpy as np
import pandas as pd

NAME = "planted"
ROWS = 100_000
DAYS = 200
NUMBERS = tuple(f"number_{i}" for i in range(16))
WORDS = ("word_0", "word_1")
ITERATIONS = 1000
"""So many trees that a bare script takes about six seconds on two quiet cores."""

_MODEL = """\
[model]
name = "{name}"
task = "binary"
owner = "benchmarks@example.org"
purpose = "What does the loop cost around a training of some seconds?"

[data]
source = "files"
inbox = "inbox/{name}/*.parquet"
target = "label"
time = "at"
block = "1d"
key = ["at"]

[features]
numeric = [{numbers}]
categorical = [{words}]

[contract]
min_rows = 1000
max_duplicate_share = 0.0
min_label_share = 1.0

[contract.columns]
at = {{ type = "timestamp" }}
label = {{ type = "int", min = 0, max = 1 }}
{columns}

[training]
estimator = "hist_gradient_boosting"
seed = {seed}
parameters = {{ max_iter = {iterations}, early_stopping = false }}

[golden]                      # 22 of the first 150 days
share = 0.15
until = 2013-05-31

[recent]                      # 21 of the last 49 days; with golden a fifth of all rows, as the bare script's
share = 0.4
window = "49d"

[gate]
metric = "auc"
comparison = "non_inferior"   # two seeds are equally good, and the benchmark includes the promotion
margin = 0.02
golden_margin = 0.02
baseline_margin = 0.0
confidence = 0.95
rounds = 2000
min_blocks = 14
max_looks = 50
agreement_tolerance = 1e-4
max_disagreeing_share = 0.005

[gate.floors]
auc = 0.6

[retrain]
min_new_rows = 0
cooldown = "0s"
budget_per_day = 100
"""


def planted_rows(rows: int = ROWS) -> pd.DataFrame:
    """Return rows in which a few numbers, one pair of them and a word decide the label, with noise."""
    random = np.random.default_rng(7)
    columns: dict[str, object] = {name: random.normal(size=rows) for name in NUMBERS}
    frame = pd.DataFrame(columns)
    for name in WORDS:
        frame[name] = random.choice(list("ABCDEFGH"), rows)
    pull = frame["number_0"] + frame["number_1"] * frame["number_2"] + (frame["word_0"] == "C")
    frame["label"] = (pull + random.normal(size=rows) > 0.1).astype("int64")
    step = pd.Timedelta(days=DAYS) / rows
    frame["at"] = pd.date_range("2013-01-01", periods=rows, freq=step, tz="UTC").astype("datetime64[us, UTC]")
    return frame


def write_model(models: Path, seed: int, iterations: int = ITERATIONS) -> None:
    """Write the model's folder; another seed makes another training of it."""
    folder = models / NAME
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [f'{name} = {{ type = "float", min = -10, max = 10 }}' for name in NUMBERS]
    words = [f'{name} = {{ type = "string", pattern = "[A-H]" }}' for name in WORDS]
    text = _MODEL.format(
        name=NAME, seed=seed, iterations=iterations, columns="\n".join(numbers + words),
        numbers=_quoted(NUMBERS), words=_quoted(WORDS),
    )  # fmt: skip
    (folder / "model.toml").write_text(text, encoding="utf-8")


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
