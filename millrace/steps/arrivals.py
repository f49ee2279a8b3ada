"""What has arrived for a model, and what exactly are its bytes?"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from millrace.adapters.batches import StagedBatch, stage_batch
from millrace.adapters.models import load_source
from millrace.domain.config import ModelConfig
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset, ensure_restored
from millrace.steps.sql_source import look_at_database, release_passed_turns, write_range
from millrace.steps.stores import model_config

SIDECAR = ".sha256"
"""Ends the name of a file that says the digest of the one it is named after: it is no batch."""


@dataclass(frozen=True)
class Arrival:
    """One batch that waits: a file, or a name by which the model's `source.py` or database gives its rows."""

    model: str
    batch: str
    file: Path | None


def list_arrivals(model: str, files: list[Path] | None, now: datetime) -> list[Arrival]:
    """List `files`, or else what the model's inbox or source has that is not in the dataset yet."""
    config = model_config(model)
    ensure_restored(model)
    if files is not None:
        return [Arrival(model, file.name, file) for file in files]
    return [*_list_source(config, now), *(Arrival(model, file.name, file) for file in list_inbox(model))]


def ensure_inbox(model: str) -> None:
    """Make the folder that the model's files are to be put into."""
    inbox = model_config(model).data.inbox
    if inbox:
        (load_settings().home / inbox).parent.mkdir(parents=True, exist_ok=True)


def list_inbox(model: str) -> list[Path]:
    """List the files in the model's inbox, those that were taken in before too."""
    inbox = model_config(model).data.inbox
    found = load_settings().home.glob(inbox) if inbox else []
    return sorted(path for path in found if path.suffix != SIDECAR)


def stage_arrival(arrival: Arrival) -> StagedBatch:
    """Take a private copy of the batch, named by the SHA-256 of its bytes."""
    settings = load_settings()
    if arrival.file is not None:
        return stage_batch(arrival.file, settings.staging)
    settings.staging.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="source-", dir=settings.staging) as folder:
        written = Path(folder) / "batch.parquet"
        _write_rows(model_config(arrival.model), arrival.batch, written)
        return stage_batch(written, settings.staging)


def _write_rows(config: ModelConfig, batch: str, written: Path) -> None:
    if config.data.source == "sql":
        write_range(config, batch, written)
        return
    rows = load_source(load_settings().models, config.name).read_batch(batch)
    rows.to_parquet(written, index=False)


def _list_source(config: ModelConfig, now: datetime) -> list[Arrival]:
    match config.data.source:
        case "files":
            return []
        case "sql":
            release_passed_turns(config.name)
            ranges = look_at_database(config.name, now).ranges
            return [Arrival(config.name, one.batch, None) for one in ranges]
        case "python":
            return _list_python(config, now)


def _list_python(config: ModelConfig, now: datetime) -> list[Arrival]:
    accepted = {part.batch for part in current_dataset(config.name).parts}
    names = load_source(load_settings().models, config.name).list_batches(now)
    return [Arrival(config.name, name, None) for name in names if name not in accepted]
