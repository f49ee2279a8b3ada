"""What a replay needs: batches by simulated time, the accidents of its script, and scores."""

from datetime import datetime
from pathlib import Path

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import change_features, load_source
from millrace.adapters.parts import read_parts
from millrace.adapters.scorer import load_scorer
from millrace.domain.blocks import name_blocks
from millrace.domain.demo import BadChallenger, CorruptedBatch
from millrace.domain.features import label_values
from millrace.domain.losses import block_loss, metric_value
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.stores import ledger, model_config


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
    labels = label_values(frame, config, scorer.schema.classes)
    loss = block_loss(config.gate.metric, labels, scorer.answer(frame), name_blocks(frame, config))
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


def break_features(model: str, bad: BadChallenger) -> None:
    """Leave the model only the features of `bad`."""
    change_features(load_settings().models, model, bad.numeric, bad.categorical)
