"""Which parts does `datasets/<model>.json` list?"""

from pathlib import Path

import msgspec

from millrace.domain.dataset import Dataset
from millrace.durable import replace_file
from millrace.errors import MillraceError


class UnknownDatasetError(MillraceError):
    """The model has no dataset yet."""

    def __init__(self, model: str, path: Path) -> None:
        self.model, self.path = model, path
        super().__init__(
            f"{path}: no dataset of {model!r}. Ingest its first batch: `millrace ingest {model}`"
        )


class BrokenDatasetFileError(MillraceError):
    """The file is no dataset Millrace wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}. Run `millrace reconcile` to write it again from the ledger")


def find_dataset(folder: Path, model: str) -> Dataset:
    """Read the dataset of a model."""
    dataset = read_dataset_or_none(folder, model)
    if dataset is None:
        raise UnknownDatasetError(model, folder / f"{model}.json")
    return dataset


def read_dataset_or_none(folder: Path, model: str) -> Dataset | None:
    """Read the dataset of a model, None before its first batch."""
    path = folder / f"{model}.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        dataset = msgspec.json.decode(content, type=Dataset)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenDatasetFileError(path, str(error)) from error
    # The version is the hash of the file: a text that would be written otherwise has another one.
    if dataset.text.encode() != content or dataset.model != model:
        raise BrokenDatasetFileError(path, "it was changed by hand")
    return dataset


def write_dataset(folder: Path, dataset: Dataset) -> None:
    """Replace the file of a model; a crash leaves the old one or the new one."""
    replace_file(folder / f"{dataset.model}.json", dataset.text.encode())
