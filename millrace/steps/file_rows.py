"""Which labelled rows does a file have, as the model's own data has them?"""

from pathlib import Path
from typing import TYPE_CHECKING

from millrace.adapters.contract import check_batch
from millrace.adapters.tables import read_table
from millrace.domain.blocks import name_blocks
from millrace.domain.bundle import Schema
from millrace.domain.config import ModelConfig
from millrace.domain.listing import name_some
from millrace.domain.schema import label_values, present_classes
from millrace.errors import MillraceError
from millrace.steps.rows import LabelledRows

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 8


class UnfitRowsError(MillraceError):
    """A file whose rows cannot be judged on."""

    def __init__(self, path: Path, found: str, needed: str) -> None:
        self.path, self.found, self.needed = path, found, needed
        super().__init__(f"{path}: found {found}, needed {needed}. Nothing was compared")


def read_file_rows(path: Path, config: ModelConfig, schemas: tuple[Schema, ...]) -> "pd.DataFrame":
    """Read the rows of a file that have a label, in the types of the contract.

    Columns that neither a version nor a role needs may be missing. What values break of the contract does not
    matter here, but for their types.

    Raises
    ------
    UnfitRowsError
        If a column that is needed is missing or cannot be read, or no row has a label.
    """
    import pandas as pd

    chunks = list(read_table(path, config.data.format, config.contract.types))
    there = set(map(str, chunks[0].columns))
    needed = _needed_columns(config, schemas)
    if missing := [name for name in needed if name not in there]:
        raise UnfitRowsError(path, f"no column {name_some(missing, _NAMED)}", "every column of the model")
    wanted = {name: column for name, column in config.contract.columns.items() if name in there}
    frames: list[pd.DataFrame] = []
    checked = check_batch(chunks, config.contract.model_copy(update={"columns": wanted}), frames.append)
    if broken := [one for one in checked.violations if one.clause == "type"]:
        raise UnfitRowsError(
            path, f"{broken[0].column}: {broken[0].message}", "values of the contract's types"
        )
    frame = pd.concat(frames, ignore_index=True)
    has_label = frame[config.data.target].notna()
    if config.data.time is not None:
        has_label &= frame[config.data.time].notna()
    if not has_label.any():
        raise UnfitRowsError(path, f"{len(frame):,} rows, none with a label", "labelled rows")
    return frame[has_label].reset_index(drop=True)


def to_labelled(frame: "pd.DataFrame", config: ModelConfig, classes: tuple[str, ...]) -> LabelledRows:
    """Return rows with labels as positions in `classes`, and the blocks that the model's `[data]` says."""
    return LabelledRows(frame, label_values(frame, config, classes), name_blocks(frame, config))


def classes_after(classes: tuple[str, ...], frame: "pd.DataFrame", config: ModelConfig) -> tuple[str, ...]:
    """Return these classes and, after them, those that the rows alone have."""
    return tuple(dict.fromkeys([*classes, *present_classes(frame, config)]))


def _needed_columns(config: ModelConfig, schemas: tuple[Schema, ...]) -> list[str]:
    data = config.data
    role = (data.time,) if data.time else (data.group,) if data.group else data.key
    features = (column.name for schema in schemas for column in schema.inputs)
    return list(dict.fromkeys([data.target, *filter(None, role), *features]))
