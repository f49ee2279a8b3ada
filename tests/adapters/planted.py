"""A small model with a planted truth: its file, its rows, its bundle. Runs as a program too."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from millrace.adapters.bundle import write_bundle
from millrace.adapters.export import ExportedScorer, export_scorer, make_examples
from millrace.adapters.scorer import open_scorer
from millrace.adapters.training import CustomBuild, Learned, fit_model, row_weights, training_environment
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    PROFILE_FILE,
    SCHEMA_FILE,
    CodeDigests,
    Manifest,
    Schema,
    digests_of,
)
from millrace.domain.canonical import canonical_json
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.kinds import Task
from millrace.domain.profile import make_reference
from millrace.domain.schema import class_names, label_values, schema_of

METRIC = {Task.BINARY: "auc", Task.MULTICLASS: "log_loss", Task.REGRESSION: "rmse"}


GATE: dict[str, Any] = {
    "comparison": "superior",
    "margin": 0.0,
    "golden_margin": 0.02,
    "baseline_margin": 0.0,
    "confidence": 0.95,
    "rounds": 200,
    "min_blocks": 14,
    "max_looks": 50,
    "floors": {},
    "agreement_tolerance": 1e-4,
    "max_disagreeing_share": 0.005,
}
"""The gate of the planted model, but for the metric, which follows from its task."""


def planted_config(
    task: Task, estimator: str = "linear", *, timed: bool = False, **training: Any
) -> ModelConfig:
    # "label" and "my column" are names that a graph would have to change
    quick = {"max_iter": 20} if estimator == "hist_gradient_boosting" else {}
    target = "float" if task is Task.REGRESSION else "string" if task is Task.MULTICLASS else "int"
    columns: dict[str, Any] = {
        "label": {"type": "float", "max_null_share": 0.2},
        "my column": {"type": "int", "max_null_share": 0.2},
        "carrier": {"type": "string", "max_null_share": 0.2},
        "weekday": {"type": "int"},
        "holiday": {"type": "bool"},
        "y": {"type": target},
        "at": {"type": "timestamp"},
    }
    return ModelConfig.model_validate(
        {
            "model": {"name": "planted", "task": task, "owner": "o", "purpose": "p"},
            "data": {"source": "python", "target": "y"} | ({"time": "at", "block": "1d"} if timed else {}),
            "features": {"numeric": ["label", "my column"], "categorical": ["carrier", "weekday", "holiday"]},
            "contract": {
                "min_rows": 1,
                "max_duplicate_share": 0.0,
                "min_label_share": 0.0,
                "columns": columns,
            },
            "training": {"estimator": estimator, "seed": 7, "parameters": quick, **training},
            "golden": {"share": 0.1} | ({"until": np.datetime64("2013-03-01").item()} if timed else {}),
            "recent": {"share": 0.3} | ({"window": "28d"} if timed else {}),
            "gate": {"metric": METRIC[task], **GATE},
            "retrain": {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4},
        }
    )


def planted_rows(task: Task, rows: int = 800, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "label": rng.normal(100.0, 30.0, rows),
            "my column": pd.array(rng.integers(0, 9, rows), dtype="Int64"),
            "carrier": pd.array(rng.choice(["AA", "Bé", "DL x", ""], rows), dtype="str"),
            "weekday": rng.integers(0, 7, rows),
            "holiday": rng.random(rows) < 0.1,
            "at": pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows) * 3, unit="h"),
        }
    )
    signal = (
        (frame["label"] - 100.0) / 30.0 + (frame["carrier"] == "AA") + frame["my column"].astype(float) / 5.0
    )
    signal += rng.normal(0.0, 0.5, rows)
    match task:
        case Task.REGRESSION:
            frame["y"] = signal
        case Task.BINARY:
            frame["y"] = (signal > signal.median()).astype(int)
        case Task.MULTICLASS:
            frame["y"] = pd.cut(signal, 3, labels=["early", "on time", "late"]).astype(str)
    for column in ("label", "my column", "carrier"):
        frame.loc[rng.random(rows) < 0.1, column] = None
    return frame


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the pipeline, and its scorer."""

    config: ModelConfig
    rows: pd.DataFrame
    schema: Schema
    pipeline: Any
    exported: ExportedScorer


def train(config: ModelConfig, rows: pd.DataFrame, custom: CustomBuild | None = None) -> Trained:
    classes = class_names(rows, config)
    schema = schema_of(config, classes)
    learned = Learned(
        feature_frame(rows, schema.inputs),
        label_values(rows, config, classes),
        np.array([f"block {at // 10:04}" for at in range(len(rows))]),
        row_weights(rows, config),
    )
    pipeline = fit_model(config, config.training.parameters, custom, learned)
    return Trained(
        config, rows, schema, pipeline, export_scorer(pipeline, schema, config.gate, rows, open_scorer)
    )


def pack(trained: Trained) -> tuple[Manifest, dict[str, bytes]]:
    exported, schema, config = trained.exported, trained.schema, trained.config
    answering = open_scorer(exported.engine, exported.content, schema)
    labels = label_values(trained.rows, config, schema.classes)
    reference = make_reference(trained.rows, labels, answering(trained.rows), schema, config)
    files = {
        exported.file_name: exported.content,
        SCHEMA_FILE: canonical_json(schema).encode(),
        PROFILE_FILE: canonical_json(reference).encode(),
        EXAMPLES_FILE: canonical_json(make_examples(trained.rows, schema, answering)).encode(),
    }
    manifest = Manifest(
        model=config.name,
        task=config.model.task,
        engine=exported.engine,
        files=digests_of(files),
        dataset="d" * 64,
        training_blocks=("2013-01-01",),
        code=CodeDigests("a", "b", "c", "d", "e"),
        seed=config.training.seed,
        environment=training_environment(config.training.estimator),
    )
    return manifest, files


def write_planted(store: Path, task: Task, estimator: str = "linear", rows: int = 800) -> str:
    manifest, files = pack(train(planted_config(task, estimator), planted_rows(task, rows)))
    return write_bundle(store, manifest, files)


if __name__ == "__main__":
    sys.stdout.write(write_planted(Path(sys.argv[1]), Task(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
