"""Has anything about a model changed since it was looked at?"""

from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.models import MODEL_FILE, list_models
from millrace.domain.offer import offer_name
from millrace.settings import Settings, load_settings
from millrace.steps.stores import ledger

FileMarks = tuple[int, ...] | None


@dataclass(frozen=True)
class Marks:
    """The newest entry about a model, and what the files are known by that can differ from the ledger.

    While they are equal and nothing was wrong, nothing is: all that follows from the ledger, the pointer,
    the dataset file, `model.toml` and the offers. What was found out at great cost for one reader holds for
    the next.
    """

    newest_seq: int
    files: tuple[FileMarks, ...]
    offers: tuple[tuple[str, FileMarks], ...]


def list_marks() -> dict[str, Marks]:
    """Return the marks of every folder under `models/` and every model in the ledger, by name."""
    settings = load_settings()
    newest = ledger().newest_by_model()
    key = _mark(settings.public_key)
    names = sorted({*list_models(settings.models), *newest})
    return {
        name: Marks(newest.get(name, 0), (key, *_files_of(settings, name)), _offers_of(settings, name))
        for name in names
    }


def _files_of(settings: Settings, model: str) -> tuple[FileMarks, ...]:
    places = (
        settings.models / model / MODEL_FILE,
        settings.datasets / f"{model}.json",
        settings.channel / model / "pointer.json",
    )
    return tuple(map(_mark, places))


def _offers_of(settings: Settings, model: str) -> tuple[tuple[str, FileMarks], ...]:
    folder = (settings.channel / offer_name(model, "")).parent
    return tuple(sorted((path.name, _mark(path)) for path in folder.glob("*")))


def _mark(path: Path) -> FileMarks:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
