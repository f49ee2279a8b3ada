"""The dataset of a model: which parts it has, and the files that follow from the ledger."""

from millrace.adapters.dataset_files import BrokenDatasetFileError, read_dataset_or_none, write_dataset
from millrace.adapters.pins import DATA_FOLDER, init_home, is_pin_current, is_pushed, pin_data
from millrace.domain.dataset import Dataset
from millrace.domain.dataset_history import fold_datasets
from millrace.domain.facts import BatchAccepted, DatasetAdopted, DatasetCheckedOut
from millrace.errors import AmbiguousNameError, MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import ledger

DATASET_KINDS = (BatchAccepted, DatasetAdopted, DatasetCheckedOut)


class UnknownVersionError(MillraceError):
    """No dataset version of that model starts with these characters."""

    def __init__(self, model: str, version: str) -> None:
        self.model, self.version = model, version
        super().__init__(f"{model}: no dataset version {version}. `millrace data list {model}` lists them")


class UnrestoredPartsError(MillraceError):
    """Dataset files list parts that are not in `data/` or the ledger, as in a fresh clone."""

    def __init__(self, models: tuple[str, ...], parts: int) -> None:
        self.models, self.parts = models, parts
        super().__init__(
            f"{parts} parts of {', '.join(models)} are listed in datasets/, but their bytes are not here: "
            "run `millrace data restore` first"
        )


def ensure_restored() -> None:
    """Refuse to go on while a dataset file lists bytes that are not there.

    Raises
    ------
    UnrestoredPartsError
        What is pinned next is what `data/` holds: a part that was not brought back would leave the pin.
    """
    settings = load_settings()
    missing: list[str] = []
    for file in settings.datasets.glob("*.json"):
        known = current_dataset(file.stem)
        adopted = bool(known.parts)
        try:
            dataset = read_dataset_or_none(settings.datasets, file.stem)
        except BrokenDatasetFileError:
            if not adopted:
                raise
            dataset = known  # the file will be rewritten from the ledger
        missing += [
            file.stem
            for part in (dataset.parts if dataset else ())
            if not adopted or not (settings.data / file.stem / f"{part.sha256}.parquet").exists()
        ]
    if missing:
        raise UnrestoredPartsError(tuple(sorted(set(missing))), len(missing))


def list_datasets(model: str) -> tuple[Dataset, ...]:
    """Return every dataset the model has had, the current one last."""
    return fold_datasets(model, (entry.fact for entry in ledger().entries(model, DATASET_KINDS)))


def current_dataset(model: str) -> Dataset:
    """Return the model's dataset, empty before its first batch."""
    return list_datasets(model)[-1]


def find_dataset_version(model: str, version: str) -> Dataset:
    """Return the dataset whose version starts with `version`."""
    found = {
        dataset.version: dataset for dataset in list_datasets(model) if dataset.version.startswith(version)
    }
    if not found:
        raise UnknownVersionError(model, version)
    if len(found) > 1:
        raise AmbiguousNameError(version, tuple(found))
    return found.popitem()[1]


def publish_dataset(model: str) -> str | None:
    """Make the dataset file and the DVC pin what the ledger says; return what was wrong, if anything."""
    home = load_settings().home
    if not current_dataset(model).parts:
        return None
    found = _publish_file(model)
    is_current = is_pin_current(home)
    if is_current and is_pushed(home):
        return found
    ensure_restored()
    init_home(home)
    pin_data(home)
    return found or ("data.dvc was not pushed" if is_current else "data.dvc did not pin all of data/")


def find_dataset_trouble(model: str) -> str | None:
    """Return what is wrong with the model's dataset file, if anything."""
    dataset = current_dataset(model)
    return _file_trouble(model, dataset) if dataset.parts else None


def is_data_pinned() -> bool:
    """Say whether all of `data/`, of every model, is pinned and at the remote."""
    home = load_settings().home
    return not (home / DATA_FOLDER).exists() or (is_pin_current(home) and is_pushed(home))


def _publish_file(model: str) -> str | None:
    found = trouble = _file_trouble(model, current_dataset(model))
    while trouble is not None:
        write_dataset(load_settings().datasets, current_dataset(model))
        # another run may have accepted a batch, and written it, before this older dataset was
        trouble = _file_trouble(model, current_dataset(model))
    return found


def _file_trouble(model: str, dataset: Dataset) -> str | None:
    try:
        found = read_dataset_or_none(load_settings().datasets, model)
    except BrokenDatasetFileError as error:
        return str(error)
    if found == dataset:
        return None
    return "no dataset file" if found is None else f"dataset file at version {found.version[:12]}"
