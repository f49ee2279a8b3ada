"""What a replay needs: batches by simulated time, and the accidents of its script."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from millrace.adapters.keys import ensure_keys
from millrace.adapters.models import change_features, change_section, kept_file, load_source
from millrace.adapters.service_client import ServiceClient, running_service
from millrace.adapters.verbs import start_verb
from millrace.domain.demo import BadChallenger, CorruptedBatch
from millrace.settings import load_settings
from millrace.steps.stores import ledger


def list_source_batches(model: str, now: datetime) -> list[str]:
    """Name what the model's source has at `now`."""
    return load_source(load_settings().models, model).list_batches(now)


def find_champion(model: str) -> str | None:
    """Return the digest of what serves."""
    return ledger().serving(model).champion


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


def configure_retrain(model: str, values: Mapping[str, Any]) -> None:
    """Let the model be retrained when the script says, and not by its own `[retrain]`."""
    change_section(load_settings().models, model, "retrain", values)


@contextmanager
def broken_features(model: str, bad: BadChallenger) -> Iterator[None]:
    """Leave the model only the features of `bad`, as long as the block lasts."""
    models = load_settings().models
    with kept_file(models, model):
        change_features(models, model, bad.numeric, bad.categorical)
        yield
