"""The dataset of a model: which parts it has, and the files that follow from the ledger."""

from millrace.adapters.dataset_files import BrokenDatasetFileError, read_dataset_or_none, write_dataset
from millrace.adapters.pins import DATA_FOLDER, init_home, is_pin_current, is_pushed, pin_data
from millrace.domain.dataset import Dataset, Part
from millrace.domain.dataset_history import fold_datasets
from millrace.domain.facts import BatchAccepted, DatasetAdopted, DatasetCheckedOut
from millrace.errors import AmbiguousNameError, MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import is_known, ledger

DATASET_KINDS = (BatchAccepted, DatasetAdopted, DatasetCheckedOut)


class UnknownVersionError(MillraceError):
    """No dataset version of that model starts with these characters."""

    def __init__(self, model: str, version: str) -> None:
        self.model, self.version = model, version
        super().__init__(f"{model}: no dataset version {version}. `millrace data list {model}` lists them")


class UnrestoredPartsError(MillraceError):
    """Dataset files list parts that are not in `data/`, or not in the ledger, as in a fresh clone."""

    def __init__(self, models: tuple[str, ...], parts: int) -> None:
        self.models, self.parts = models, parts
        super().__init__(
            f"{parts} parts of {', '.join(models)} are listed in datasets/, but they are not in data/, "
            "or not in the ledger: run `millrace data restore` first"
        )


def ensure_restored(*models: str) -> None:
    """Refuse to go on while the dataset file of a model, of any where none is named, lists what is not here.

    Raises
    ------
    UnrestoredPartsError
        What is accepted next would take the place of what came with the clone.
    """
    missing = {
        model: len(listed.parts if not current_dataset(model).parts else _list_absent(listed))
        for model, listed in _list_listed().items()
        if not models or model in models
    }
    if found := {model: parts for model, parts in sorted(missing.items()) if parts}:
        raise UnrestoredPartsError(tuple(found), sum(found.values()))


def ensure_whole(*, but: str | None = None) -> None:
    """Refuse to go on while `data/` lacks a part that a dataset file lists, those of one model left aside.

    Raises
    ------
    UnrestoredPartsError
        What is pinned next is what `data/` holds: a part that is not there would leave the pin.
    """
    absent = {model: _list_absent(listed) for model, listed in _list_listed().items() if model != but}
    if found := {model: parts for model, parts in sorted(absent.items()) if parts}:
        raise UnrestoredPartsError(tuple(found), sum(map(len, found.values())))


def _list_listed() -> dict[str, Dataset]:
    """Return what each dataset file lists; of one that is broken what the ledger will write.

    One that a model has left behind whose folder was deleted before anything was done with it here holds
    nobody up: `millrace data restore` could not bring its parts back.
    """
    datasets, found = load_settings().datasets, {}
    for file in filter(lambda file: is_known(file.stem), datasets.glob("*.json")):
        try:
            listed = read_dataset_or_none(datasets, file.stem)
        except BrokenDatasetFileError:
            listed = current_dataset(file.stem)
            if not listed.parts:
                raise
        if listed is not None:
            found[file.stem] = listed
    return found


def _list_absent(dataset: Dataset) -> list[Part]:
    folder = load_settings().data / dataset.model
    return [part for part in dataset.parts if not (folder / f"{part.sha256}.parquet").exists()]


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
    ensure_restored(model)
    _bring_back_others(model)
    init_home(home)
    pin_data(home)
    return found or ("data.dvc was not pushed" if is_current else "data.dvc did not pin all of data/")


def _bring_back_others(model: str) -> None:
    """Bring back what came with the clone for other models: one pin holds the bytes of all.

    Nobody has asked for these models here, so nothing of it enters the ledger.
    """
    from millrace.steps.restore import bring_back  # it makes batches, and so knows this file

    try:
        ensure_whole(but=model)
    except UnrestoredPartsError as away:
        listed = _list_listed()
        for other in away.models:
            try:
                bring_back(listed[other])
            except MillraceError as error:
                raise away from error


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
