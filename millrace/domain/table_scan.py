"""What is in a table that nobody has described yet?"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from millrace.domain.config import FormatSection
from millrace.domain.kinds import ColumnType

if TYPE_CHECKING:
    import pandas as pd

MAX_COMMON = 100
"""So many values of a column are counted by name, the commonest ones."""


@dataclass(frozen=True)
class ColumnScan:
    """One column, read to its end.

    `type` is the narrowest that all of its values have; `distinct` counts values, those of many nearly.
    `low` and `high` are of numbers, `first` and `last` of times.
    `common` has the commonest values as texts, with how often they occur, the commonest first.
    `rises` says that no value is below the one before it. `nearly` is the narrower type
    that nearly all values of a column of texts have: some odd ones make it text.
    """

    name: str
    type: ColumnType
    nulls: int
    distinct: int
    low: float | None
    high: float | None
    first: datetime | None
    last: datetime | None
    common: tuple[tuple[str, int], ...]
    mean_length: float | None
    rises: bool
    nearly: ColumnType | None = None


@dataclass(frozen=True, eq=False)
class TableScan:
    """A table, read to its end once, in bounded memory.

    `sample` has rows from all of the table in its order, in the columns' types, at most as many as were asked
    for; all of them where there are fewer. `guesses` are sentences for people: what was not certain,
    and what it was taken for.
    """

    rows: int
    columns: tuple[ColumnScan, ...]
    format: FormatSection
    sample: "pd.DataFrame"
    guesses: tuple[str, ...]

    def column(self, name: str) -> ColumnScan:
        return next(column for column in self.columns if column.name == name)
