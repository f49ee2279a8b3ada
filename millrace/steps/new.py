"""A new model: a file is read, everything is inferred, and its folder appears whole or not at all."""

from dataclasses import dataclass, replace
from pathlib import Path

from millrace.adapters.batches import digest_of_file
from millrace.adapters.models import is_folder
from millrace.adapters.tables import detect_format, read_table, scan_table
from millrace.domain.proposal import (
    Doubt,
    Draft,
    Proposal,
    Wishes,
    complete,
    config_of,
    model_file,
    propose,
)
from millrace.domain.proposal.card import DataFile, card_of, test_file
from millrace.domain.proposal.wishes import check_columns, check_name
from millrace.domain.table_scan import TableScan
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.new_files import NewFolder, write_folder
from millrace.steps.new_probe import NotProbedError, probe
from millrace.steps.progress import announce

SAMPLE_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class NewModel:
    """What was made: the proposal, and where it and the data lie."""

    proposal: Proposal
    folder: Path
    inbox: Path


class ModelExistsError(MillraceError):
    """There is a model of that name."""

    def __init__(self, model: str, folder: Path) -> None:
        self.model, self.folder = model, folder
        super().__init__(
            f"there is a model {model!r} already: {folder}. `millrace retrain {model}` trains it, "
            f"its model.toml changes it; give this one another name, or remove that folder first"
        )


def new_model(data: Path, wishes: Wishes) -> NewModel:
    """Infer a model from a file and write its folder, and put the file into its inbox.

    Raises
    ------
    MillraceError
        With what was found, what was needed, and what to do; nothing is left behind.
    """
    settings = load_settings()
    check_name(wishes.name)
    if is_folder(settings.models, wishes.name) or (settings.models / wishes.name).exists():
        raise ModelExistsError(wishes.name, settings.models / wishes.name)
    scan = read_scan(data, wishes)
    announce("looking at the columns")
    proposal = _completed(propose(scan, wishes))
    config_of(proposal)  # a file that could not be read back is never written
    announce("writing")
    file = DataFile(data.name, digest_of_file(data), data.stat().st_size)
    tests = f"tests/test_{wishes.name.replace('-', '_')}.py"
    texts = {
        "model.toml": model_file(proposal),
        "README.md": card_of(proposal, file),
        tests: test_file(wishes.name),
    }
    inbox = write_folder(NewFolder(wishes.name, texts, data, file.sha256))
    return NewModel(proposal, settings.models / wishes.name, inbox)


def _completed(draft: Draft) -> Proposal:
    """Write down every section; where nothing could be fitted, that is the first doubt."""
    try:
        return complete(draft, probe(draft))
    except NotProbedError as error:
        unprobed = replace(draft, doubts=(Doubt(str(error), "gate"), *draft.doubts))
        return complete(unprobed, None)


def read_scan(data: Path, wishes: Wishes) -> TableScan:
    """Read the table to its end; a column that is not there is said before that."""
    announce(f"reading {data.name}")
    found, guesses = detect_format(data)
    first = next(iter(read_table(data, found, chunk_rows=1)))
    check_columns([str(name) for name in first.columns], wishes)
    scan = scan_table(data, found, SAMPLE_ROWS)
    return replace(scan, guesses=(*guesses, *scan.guesses))
