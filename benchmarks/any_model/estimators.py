"""How large is each built-in estimator as a graph, how long does a row take, and how good is it?

Run `python -m benchmarks.any_model.estimators`. The rows are made: numbers, categories, nulls, texts, noise.
"""

import sys
import time
from importlib.metadata import version

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, roc_auc_score

from millrace.adapters.export import export_scorer
from millrace.adapters.scorer import open_scorer
from millrace.adapters.training import ESTIMATORS, Learned, fit_model
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.schema import class_names, label_values, schema_of

ROWS, JUDGED, ASKED = 20_000, 5_000, 2_000
WORDS = [f"word{at}" for at in range(5_000)]
PACKAGES = ("scikit-learn", "lightgbm", "xgboost-cpu", "skl2onnx", "onnxmltools", "onnxruntime")
NUMBERS, CATEGORIES = [f"n{at}" for at in range(4)], ["c0", "c1"]


def config_of(task: Task, estimator: str, *, text: bool) -> ModelConfig:
    """Return the model's file."""
    target = {"type": "float" if task is Task.REGRESSION else "string"}
    columns = {name: {"type": "float", "max_null_share": 0.5} for name in NUMBERS} | {"y": target}
    columns |= {name: {"type": "string"} for name in (*CATEGORIES, "t")}
    metric = {Task.BINARY: "auc", Task.MULTICLASS: "log_loss", Task.REGRESSION: "mae"}[task]
    return ModelConfig.model_validate(
        {
            "model": {"name": "made", "task": task, "owner": "o", "purpose": "p"},
            "data": {"source": "python", "target": "y"},
            "features": {"numeric": NUMBERS, "categorical": CATEGORIES, "text": ["t"] if text else []},
            "contract": {
                "min_rows": 1, "max_duplicate_share": 1.0, "min_label_share": 0.0, "columns": columns,
            },
            "training": {"estimator": estimator, "seed": 7},
            "golden": {"share": 0.1},
            "recent": {"share": 0.1},
            "gate": {
                "metric": metric, "comparison": "superior", "margin": 0.0, "golden_margin": 0.0,
                "baseline_margin": 0.0, "confidence": 0.95, "rounds": 200, "min_blocks": 14, "max_looks": 50,
                "floors": {}, "agreement_tolerance": 1e-4, "max_disagreeing_share": 0.005,
            },
            "retrain": {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4},
        }
    )  # fmt: skip


def make_rows(task: Task, rows: int, seed: int) -> pd.DataFrame:
    """Make rows whose numbers, one category and two words of the text decide."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, len(NUMBERS))), columns=NUMBERS)
    for name in CATEGORIES:
        frame[name] = rng.choice(["a", "b", "c", "d"], rows)
    places = (rng.pareto(1.0, (rows, 30)) * 10).astype(int) % len(WORDS)
    texts = [" ".join(WORDS[at] for at in row) for row in places]
    said = np.array([("word40 " in text) + ("word70 " in text) for text in texts])
    signal = frame["n0"] + frame["n1"] * frame["n2"] + (frame["c0"] == "a") + 2.0 * said
    signal = (signal + rng.normal(0.0, 0.7, rows)).to_numpy()
    edges = np.array([0.0]) if task is Task.BINARY else np.array([-1.0, 0.0, 1.5])
    names = np.array(["k0", "k1", "k2", "k3"])[np.searchsorted(edges, signal)]
    frame["t"], frame["y"] = texts, signal if task is Task.REGRESSION else names
    frame.loc[rng.random(rows) < 0.1, "n3"] = np.nan
    return frame


def measure(task: Task, estimator: str, *, text: bool) -> str:
    """Return one line of the table."""
    config = config_of(task, estimator, text=text)
    rows, judged = make_rows(task, ROWS, 0), make_rows(task, JUDGED, 1)
    classes = class_names(rows, config)
    schema = schema_of(config, classes)
    blocks = np.arange(len(rows)).astype(str)
    learned = Learned(feature_frame(rows, schema.inputs), label_values(rows, config, classes), blocks)
    started = time.perf_counter()
    pipeline = fit_model(config, {}, None, learned)
    fitted = time.perf_counter() - started
    exported = export_scorer(pipeline, schema, config.gate, judged, open_scorer)
    answering = open_scorer(exported.engine, exported.content, schema)
    answers, labels = answering(judged), label_values(judged, config, classes)
    if task is Task.REGRESSION:
        quality = f"MAE {mean_absolute_error(labels, answers):.3f}"
    else:
        quality = f"AUC {roc_auc_score(labels, answers, multi_class='ovr'):.3f}"
    row = {column.name: [judged[column.name].iloc[0]] for column in schema.inputs}
    times = []
    for _ in range(ASKED):
        started = time.perf_counter()
        answering(row)
        times.append(time.perf_counter() - started)
    return (
        f"| {estimator} | {task} | {'yes' if text else 'no'} | {fitted:.1f} s | "
        f"{len(exported.content) / 1e6:.2f} MB | {np.median(times) * 1e6:.0f} us | "
        f"{exported.agreement.largest_difference:.0e} | {quality} |"
    )


def main() -> None:
    """Print the table."""
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"{ROWS:,} rows learned from, {JUDGED:,} judged, one thread for a row\n")
    print("| estimator | task | text | fit | graph | one row | largest difference | quality |")
    print("|---|---|---|---|---|---|---|---|")
    for text in (False, True):
        for task in (Task.BINARY,) if text else tuple(Task):
            for estimator in ESTIMATORS:
                print(measure(task, estimator, text=text))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
