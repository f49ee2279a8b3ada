"""What do all servers serve? One scikit-learn pipeline over 17 numbers and 3 words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from millrace.adapters import export, training
from millrace.adapters.bundle import write_bundle
from millrace.adapters.scorer import open_scorer
from millrace.domain.answers import answers_of
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    PROFILE_FILE,
    SCHEMA_FILE,
    CodeDigests,
    Engine,
    Manifest,
    Schema,
    digests_of,
)
from millrace.domain.canonical import canonical_json
from millrace.domain.config import ModelConfig
from millrace.domain.features import feature_frame
from millrace.domain.profile import make_reference
from millrace.domain.schema import label_values, schema_of

NAME = "served"
NUMBERS = tuple(f"number_{i}" for i in range(17))
WORDS = ("word_0", "word_1", "word_2")
LETTERS = tuple("ABCDEFGH")
TRAINED_ROWS = 20_000
SENT_ROWS = 64
NULL_SHARE = 0.1

_ANY_ROWS = {"min_rows": 1, "max_duplicate_share": 0.0, "min_label_share": 0.0}
_UNASKED: dict[str, object] = {
    "golden": {"share": 0.1},
    "recent": {"share": 0.3},
    "gate": {
        "metric": "auc",
        "comparison": "superior",
        "margin": 0.0,
        "golden_margin": 0.0,
        "baseline_margin": 0.0,
        "confidence": 0.95,
        "rounds": 200,
        "min_blocks": 14,
        "max_looks": 50,
        "floors": {},
        "agreement_tolerance": 1e-4,
        "max_disagreeing_share": 0.005,
    },
    "retrain": {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4},
}
"""Sections a model must have; nothing here is judged or trained again."""

Row = dict[str, float | str | None]


@dataclass(frozen=True)
class Served:
    """The fitted pipeline, the rows it is asked about, and what it says of them."""

    config: ModelConfig
    schema: Schema
    pipeline: Any
    learned: pd.DataFrame
    sent: tuple[Row, ...]
    answers: tuple[float, ...]


def train_served() -> Served:
    """Fit what `estimator = "hist_gradient_boosting"` is, 100 trees."""
    config, frame = _config(), _planted_rows(TRAINED_ROWS + SENT_ROWS)
    learned, asked = frame.iloc[:TRAINED_ROWS], frame.iloc[TRAINED_ROWS:]
    schema = schema_of(config, ("0", "1"))
    pipeline = training.build_pipeline(config, config.training.estimator, config.training.parameters, None)
    labels = label_values(learned, config, schema.classes)
    training.fit_pipeline(pipeline, feature_frame(learned, schema.inputs), labels, config.training.seed)
    answers = answers_of(pipeline, feature_frame(asked, schema.inputs), config.model.task)
    return Served(config, schema, pipeline, learned, _rows_of(asked), tuple(answers.tolist()))


def write_served(store: Path, served: Served, engine: Engine, edition: int = 0) -> str:
    """Write the bundle and return its digest; each edition has another digest and the same answers."""
    content = _export(served, engine)
    answering = open_scorer(engine, content, served.schema)
    labels = label_values(served.learned, served.config, served.schema.classes)
    answers = answering(served.learned)
    reference = make_reference(served.learned, labels, answers, served.schema, served.config)
    files = {
        engine.file_name: content,
        SCHEMA_FILE: canonical_json(served.schema).encode(),
        PROFILE_FILE: canonical_json(reference).encode(),
        EXAMPLES_FILE: canonical_json(
            export.make_examples(served.learned, served.schema, answering)
        ).encode(),
    }
    manifest = Manifest(
        model=NAME,
        task=served.config.model.task,
        engine=engine,
        files=digests_of(files),
        dataset=f"{edition:064x}",
        training_blocks=("planted",),
        code=CodeDigests("a", "b", "c", "d", "e"),
        seed=served.config.training.seed,
        environment=training.training_environment(served.config.training.estimator),
    )
    return write_bundle(store, manifest, files)


def _export(served: Served, engine: Engine) -> bytes:
    match engine:
        case Engine.ONNX:
            return export.export_onnx(served.pipeline, served.schema)
        case Engine.SKLEARN:
            return export.export_skops(served.pipeline)


def _planted_rows(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(7)
    frame = pd.DataFrame({name: random.normal(size=rows).round(4) for name in NUMBERS})
    for name in WORDS:
        frame[name] = random.choice(LETTERS, rows)
    pull = frame["number_0"] + frame["number_1"] * frame["number_2"] + (frame["word_0"] == "C")
    frame["label"] = (pull + random.normal(size=rows) > 0.1).astype("int64")
    # Nulls are among the numbers only: every server's pandas frame reads those as the pipeline does.
    holes = random.random((rows, len(NUMBERS))) < NULL_SHARE
    frame[list(NUMBERS)] = frame[list(NUMBERS)].mask(holes)
    return frame


def _rows_of(frame: pd.DataFrame) -> tuple[Row, ...]:
    plain = frame[[*NUMBERS, *WORDS]].astype(object)
    return tuple(
        {str(name): value for name, value in row.items()}
        for row in plain.where(plain.notna(), None).to_dict(orient="records")
    )


def _config() -> ModelConfig:
    numbers = {name: {"type": "float", "min": -10.0, "max": 10.0, "max_null_share": 0.5} for name in NUMBERS}
    words = {name: {"type": "string", "categories": list(LETTERS)} for name in WORDS}
    columns = {**numbers, **words, "label": {"type": "int"}}
    estimator = {"estimator": "hist_gradient_boosting", "parameters": {"early_stopping": False}}
    return ModelConfig.model_validate(
        {
            "model": {"name": NAME, "task": "binary", "owner": "o", "purpose": "What does an answer cost?"},
            "data": {"source": "python", "target": "label"},
            "features": {"numeric": list(NUMBERS), "categorical": list(WORDS)},
            "contract": {**_ANY_ROWS, "columns": columns},
            "training": {**estimator, "seed": 7},
            **_UNASKED,
        }
    )
