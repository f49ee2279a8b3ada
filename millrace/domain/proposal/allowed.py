"""Which features hold data about persons that nobody has allowed by name?"""

from typing import TYPE_CHECKING

import numpy as np

from millrace.domain.config import FormatSection, ModelConfig
from millrace.domain.kinds import ColumnType
from millrace.domain.proposal.model_file import toml_value
from millrace.domain.proposal.persons import find_personal
from millrace.domain.table_scan import MAX_COMMON, ColumnScan, TableScan
from millrace.errors import MillraceError

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

SAMPLE_ROWS = 20_000
SHOWN = 8


class PersonalFeatureError(MillraceError):
    """Features look like data about persons, and model.toml does not allow them by name."""

    def __init__(self, model: str, found: dict[str, str], allowed: tuple[str, ...]) -> None:
        self.model, self.found, self.allowed = model, found, allowed
        told = "; ".join(f"{name} ({held})" for name, held in list(found.items())[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        line = f"allow_personal = {toml_value([*allowed, *found])}"
        super().__init__(
            f"{model}: features look like data about persons: {told}{more}. Take them out of [features], "
            f"or write there `{line}`"
        )


def check_personal(config: ModelConfig, rows: "pd.DataFrame") -> None:
    """Refuse features that look like data about persons, by name or by their values, and are not allowed.

    Raises
    ------
    PersonalFeatureError
        With how each was seen, and the line that allows it.
    """
    names = [name for name in config.features.names if name not in config.features.allow_personal]
    scan = scan_frame(rows, {name: config.contract.columns[name].type for name in names})
    found = {one.name: held for one in scan.columns if (held := find_personal(one, scan)) is not None}
    if found:
        raise PersonalFeatureError(config.name, found, config.features.allow_personal)


def say_allowed(column: str) -> str:
    """Return what allows the column, as one line for people."""
    return f"`allow_personal = {toml_value([column])}` in [features] allows it"


def scan_frame(rows: "pd.DataFrame", types: "dict[str, ColumnType]") -> TableScan:
    """Scan columns of a frame: as many rows from all of it as are enough to tell what they are."""
    places = np.unique(np.linspace(0, max(0, len(rows) - 1), min(len(rows), SAMPLE_ROWS)).astype(np.intp))
    sample = rows[list(types)].iloc[places].reset_index(drop=True)
    columns = tuple(_scan(name, sample[name], type_) for name, type_ in types.items())
    return TableScan(len(sample), columns, FormatSection(), sample, ())


def _scan(name: str, values: "pd.Series[Any]", type_: ColumnType) -> ColumnScan:
    known = values.dropna()
    counts = known.value_counts().head(MAX_COMMON)
    return ColumnScan(
        name=name, type=type_, nulls=int(values.isna().sum()), distinct=int(known.nunique()),
        low=None, high=None, first=None, last=None,
        common=tuple((str(value), int(rows)) for value, rows in counts.items()),
        mean_length=None, rises=False,
    )  # fmt: skip
