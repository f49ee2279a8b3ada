"""How does a new model's folder come to be, whole or not at all?"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.batches import digest_of_file
from millrace.errors import MillraceError
from millrace.settings import load_settings


@dataclass(frozen=True)
class NewFolder:
    """The files of a model by their paths in its folder, and the data that goes into its inbox."""

    model: str
    texts: Mapping[str, str]
    data: Path
    sha256: str


class UnwritableModelError(MillraceError):
    """The folder or the inbox of a new model cannot be written."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}. Nothing was kept; put that right and run the same command again")


def write_folder(new: NewFolder) -> Path:
    """Write the folder and the file in the inbox; return where the file lies.

    Both are made aside, one level deeper than anybody looks for models and files, and renamed into place.
    """
    settings = load_settings()
    folder, inbox = settings.models / new.model, settings.home / "inbox" / new.model
    place = inbox / new.data.name
    try:
        settings.models.mkdir(parents=True, exist_ok=True)
        inbox.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".new-", dir=settings.models) as aside,
            tempfile.TemporaryDirectory(prefix=".new-", dir=inbox.parent) as landing,
        ):
            made = _write_texts(Path(aside) / new.model, new.texts)
            copied = (
                None
                if _lies_there(place, new)
                else Path(shutil.copyfile(new.data, Path(landing) / place.name))
            )
            made.rename(folder)
            _land(copied, place, folder)
    except OSError as error:
        raise UnwritableModelError(Path(error.filename or folder), error.strerror or str(error)) from error
    return place


def _write_texts(folder: Path, texts: Mapping[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    folder.chmod(0o755)
    return folder


def _lies_there(place: Path, new: NewFolder) -> bool:
    """Say whether the file is in the inbox already; another one of its name is not overwritten."""
    if not place.exists():
        return False
    if place.samefile(new.data) or digest_of_file(place) == new.sha256:
        return True
    raise UnwritableModelError(place, "another file of that name lies there")


def _land(copied: Path | None, place: Path, folder: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if copied is not None:
            copied.rename(place)
    except OSError:
        shutil.rmtree(folder)
        raise
