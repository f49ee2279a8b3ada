"""Bringing pinned bytes back: from DVC's cache or remote, else rebuilt by the model's source."""

from contextlib import suppress
from datetime import datetime

from millrace.adapters.batches import StagedBatch
from millrace.adapters.dataset_files import find_dataset
from millrace.adapters.models import ModelCodeError, load_source
from millrace.adapters.parts import CorruptPartError, MissingPartError, commit_part, verify_part
from millrace.adapters.pins import NoPinError, PinUnavailableError, init_home, restore_data
from millrace.domain.dataset import Dataset, Part
from millrace.domain.facts import DatasetAdopted, DatasetCheckedOut
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.arrivals import Arrival, stage_arrival
from millrace.steps.batch import write_rows
from millrace.steps.dataset import (
    UnrestoredPartsError,
    current_dataset,
    ensure_whole,
    find_dataset_version,
    publish_dataset,
)
from millrace.steps.sql_source import range_of
from millrace.steps.stores import ensure_known, ledger, model_config


class LostPartError(MillraceError):
    """The bytes of a part are nowhere, and its source does not give them again."""

    def __init__(self, model: str, part: Part, found: str) -> None:
        self.model, self.part, self.found = model, part, found
        super().__init__(
            f"{model}: part {part.sha256[:12]} of batch {part.batch} is lost: {found}. "
            "Put the file back into data/, or bring the DVC remote back"
        )


def restore_dataset(model: str, now: datetime) -> Dataset:
    """Bring back every byte of the model's dataset; in a fresh clone, of the one that came with it.

    Raises
    ------
    LostPartError
        If neither DVC nor the model's source gives the bytes of a part again.
    """
    ensure_known(model)
    dataset = current_dataset(model)
    came_with_clone = not dataset.parts
    if came_with_clone:
        dataset = find_dataset(load_settings().datasets, model)
    bring_back(dataset)
    if came_with_clone:
        ledger().append(model, DatasetAdopted(dataset.parts), now, current_actor())
    with suppress(UnrestoredPartsError):  # another model's bytes are still to come: the last one pins all
        ensure_whole()
        publish_dataset(model)
    return dataset


def check_out_dataset(model: str, version: str, now: datetime) -> Dataset:
    """Make an earlier dataset version the current one, its bytes verified first."""
    ensure_known(model)
    dataset = find_dataset_version(model, version)
    bring_back(dataset)
    if dataset != current_dataset(model):
        fact = DatasetCheckedOut(dataset.version, dataset.parts)
        ledger().append(model, fact, now, current_actor())
    publish_dataset(model)
    return dataset


def bring_back(dataset: Dataset) -> None:
    """Make sure that every part of `dataset` is on disk, byte for byte."""
    if not _list_lost(dataset):
        return
    home = load_settings().home
    init_home(home)
    try:
        restore_data(home)
    except (NoPinError, PinUnavailableError) as error:
        pinned = str(error)
    else:
        pinned = "it is not what data.dvc pins"
    for part in _list_lost(dataset):
        _rebuild(dataset.model, part, pinned)


def _list_lost(dataset: Dataset) -> list[Part]:
    return [part for part in dataset.parts if not _is_whole(dataset.model, part)]


def _is_whole(model: str, part: Part) -> bool:
    try:
        verify_part(load_settings().data / model, part)
    except (CorruptPartError, MissingPartError):
        return False
    return True


def _rebuild(model: str, part: Part, pinned: str) -> None:
    settings = load_settings()
    staged = _ask_again(model, part, pinned)
    written = write_rows(model_config(model), staged)
    staged.path.unlink()
    sha256, _ = commit_part(written.path, settings.data / model)
    if sha256 != part.sha256:
        (settings.data / model / f"{sha256}.parquet").unlink()
        raise LostPartError(model, part, f"{pinned}; its source now gives {sha256[:12]}")


def _ask_again(model: str, part: Part, pinned: str) -> StagedBatch:
    """Ask the model's source for a batch again: the rows of a database may still be those that were read."""
    config = model_config(model)
    if config.data.source == "sql":
        if range_of(config, part.batch) is None:
            raise LostPartError(model, part, f"{pinned}; it came as a file, not from the database")
    else:
        try:
            load_source(load_settings().models, model)
        except ModelCodeError as error:
            raise LostPartError(model, part, f"{pinned}; {error}") from error
    return stage_arrival(Arrival(model, part.batch, None))
