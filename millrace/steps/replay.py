"""What a replay needs: batches by simulated time, the accidents of its script, and scores."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from millrace.adapters.channel import bundles_folder
from millrace.adapters.keys import ensure_keys
from millrace.adapters.models import change_features, change_section, kept_file, load_source
from millrace.adapters.parts import read_parts
from millrace.adapters.scorer import load_scorer
from millrace.adapters.service_client import NotServedError, ServiceClient, running_service
from millrace.adapters.verbs import start_verb
from millrace.domain.answers import FloatArray
from millrace.domain.blocks import name_blocks
from millrace.domain.bundle import Schema
from millrace.domain.config import ModelConfig
from millrace.domain.demo import BadChallenger, CorruptedBatch
from millrace.domain.losses import block_loss, metric_value
from millrace.domain.schema import label_values
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.stores import ledger, model_config

if TYPE_CHECKING:
    import pandas as pd


def list_source_batches(model: str, now: datetime) -> list[str]:
    """Name what the model's source has at `now`."""
    return load_source(load_settings().models, model).list_batches(now)


def find_champion(model: str) -> str | None:
    """Return the digest of what serves."""
    return ledger().serving(model).champion


def score_batch(model: str, digest: str, batch: str) -> float:
    """Return the gate's metric of a bundle on all labelled rows of one accepted batch."""
    settings, config = load_settings(), model_config(model)
    parts = [part for part in current_dataset(model).parts if part.batch == batch]
    frame = read_parts(settings.data / model, parts)
    frame = frame[frame[config.data.target].notna()].reset_index(drop=True)
    scorer = load_scorer(bundles_folder(settings.channel) / digest)
    return _metric(config, frame, scorer.schema, scorer.answer(frame))


@contextmanager
def prediction_service() -> Iterator[ServiceClient]:
    """Run a prediction service beside the replay, as long as the block lasts."""
    settings = load_settings()
    ensure_keys(settings.keys)
    with (
        (settings.var / "service.log").open("wb") as log,
        running_service(partial(start_verb, log=log)) as service,
    ):
        yield service


def ask_champion(service: ServiceClient, model: str, batch: str) -> float:
    """Send a batch's rows to the service, and return the gate's metric of what it answered.

    Raises
    ------
    NotServedError
        If a row was answered by another bundle than the champion.
    """
    settings, config = load_settings(), model_config(model)
    champion = ledger().serving(model).champion or ""
    service.wait_until_answers_by(model, champion)
    schema = load_scorer(bundles_folder(settings.channel) / champion).schema
    frame = load_source(settings.models, model).read_batch(batch)
    frame = frame[frame[config.data.target].notna()].reset_index(drop=True)
    asked = frame[[column.name for column in (*schema.inputs, *schema.key)]]
    given = service.ask(model, json.loads(asked.to_json(orient="records", date_format="iso", date_unit="us")))
    if other := {one.digest for one in given} - {champion}:
        raise NotServedError(service.url, f"answers of {champion[:12]}", f"some of {min(other)[:12]}")
    answers = [[*one.answer.values()] if isinstance(one.answer, dict) else one.answer for one in given]
    return _metric(config, frame, schema, np.asarray(answers, dtype=np.float64))


def _metric(config: ModelConfig, frame: "pd.DataFrame", schema: Schema, answers: FloatArray) -> float:
    labels = label_values(frame, config, schema.classes)
    loss = block_loss(config.gate.metric, labels, answers, name_blocks(frame, config))
    return metric_value(config.gate.metric, loss.point)


def write_corrupted(model: str, corrupted: CorruptedBatch) -> Path:
    """Write the batch as a broken export would have delivered it."""
    settings = load_settings()
    rows = load_source(settings.models, model).read_batch(corrupted.batch).copy()
    rows.loc[: corrupted.rows - 1, corrupted.column] = corrupted.value
    path = settings.home / "exports" / model / f"{corrupted.batch}-corrupted.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
    return path


def promote_at_once(model: str) -> None:
    """Let the gate's word be enough: history has no live requests to roll out on."""
    change_section(load_settings().models, model, "rollout", None)


@contextmanager
def broken_features(model: str, bad: BadChallenger) -> Iterator[None]:
    """Leave the model only the features of `bad`, as long as the block lasts."""
    models = load_settings().models
    with kept_file(models, model):
        change_features(models, model, bad.numeric, bad.categorical)
        yield
