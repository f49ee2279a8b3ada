"""Which contract do the accepted batches of a model ask for, and how far is that from the present one?"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.parts import CorruptPartError, MissingPartError
from millrace.adapters.tables.parts_scan import count_nulls, part_columns, scan_parts
from millrace.domain.config import ContractSection, ModelConfig
from millrace.domain.contract_change import Difference, compare_contracts
from millrace.domain.dataset import Dataset, Part
from millrace.domain.listing import count_things, name_some
from millrace.domain.proposal.accepted import list_personal, propose_contract
from millrace.domain.proposal.findings import Block, SeenBatch
from millrace.domain.proposal.model_file import sections_text
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.progress import announce
from millrace.steps.stores import model_config

SAMPLE_ROWS = 20_000
SHOWN = 5


class NothingAcceptedError(MillraceError):
    """There are no rows that a contract could be proposed from."""

    def __init__(self, model: str, why: str) -> None:
        self.model, self.why = model, why
        super().__init__(f"{model}: {why}. `millrace ingest {model}` takes batches in")


@dataclass(frozen=True, eq=False)
class ContractProposal:
    """A contract by what was accepted. `differences` say what it does that the present one does not.

    `personal` are the columns that look like data about persons, with how that was seen; `refused` those of
    them that are features and were not allowed by name. `notes` say what was not certain.
    """

    model: str
    dataset: str
    batches: int
    rows: int
    blocks: tuple[Block, ...]
    contract: ContractSection
    differences: tuple[Difference, ...]
    personal: dict[str, str]
    refused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sections as they would stand in model.toml."""
        return sections_text(self.blocks)


def propose_contract_of(model: str) -> ContractProposal:
    """Read the accepted batches once, in bounded memory, and say what a contract of them would be.

    Raises
    ------
    NothingAcceptedError
        If no batch was accepted yet.
    MissingPartError, CorruptPartError
        If the bytes are not those that the dataset lists.
    """
    config, dataset = model_config(model), current_dataset(model)
    alike, notes = _alike_parts(config, dataset)
    batches: list[SeenBatch] = []
    scan = scan_parts(_read(model, alike, batches), config.contract.types, SAMPLE_ROWS)
    if scan is None:
        raise NothingAcceptedError(model, "the accepted batches have no rows")
    blocks = propose_contract(config, scan, batches)
    contract = ContractSection.model_validate(tomllib.loads(sections_text(blocks))["contract"])
    personal = list_personal(config, scan)
    allowed = config.features.allow_personal
    refused = tuple(name for name in config.features.names if name in personal and name not in allowed)
    return ContractProposal(
        model, dataset.version, len(alike), scan.rows, blocks, contract,
        compare_contracts(config.contract, contract), personal, refused, (*notes, *scan.guesses),
    )  # fmt: skip


def _alike_parts(config: ModelConfig, dataset: Dataset) -> tuple[list[Part], list[str]]:
    """Keep the parts that have the columns of the newest one: what an older contract let in asks no more."""
    if not dataset.parts:
        raise NothingAcceptedError(config.name, "no batch was accepted yet")
    columns = [frozenset(part_columns(path)) for path in _verified(config.name, dataset)]
    alike = [part for part, names in zip(dataset.parts, columns, strict=True) if names == columns[-1]]
    gone = [name for name in (config.data.target, *config.features.names) if name not in columns[-1]]
    if gone:
        why = f"the newest batch has no column {name_some(gone, SHOWN)}, which model.toml gives a role"
        raise NothingAcceptedError(config.name, why)
    other = len(dataset.parts) - len(alike)
    told = count_things(other, "older batch")
    return alike, [f"{told} have other columns than the newest one, and were not read"] if other else []


def _verified(model: str, dataset: Dataset) -> Iterator[Path]:
    for number, part in enumerate(dataset.parts, 1):
        announce("checking accepted batches", number, len(dataset.parts))
        path = _path(model, part)
        if not path.is_file():
            raise MissingPartError(path, part)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != part.sha256:
            raise CorruptPartError(path, f"sha256 {digest}", part.sha256)
        yield path


def _read(model: str, parts: list[Part], batches: list[SeenBatch]) -> Iterator[Path]:
    for number, part in enumerate(parts, 1):
        announce("reading accepted batches", number, len(parts))
        path = _path(model, part)
        if part.rows:
            batches.append(SeenBatch(part.rows, count_nulls(path)))
        yield path


def _path(model: str, part: Part) -> Path:
    return load_settings().data / model / f"{part.sha256}.parquet"
