"""Which columns of a table hold data about persons?"""

from dataclasses import replace

import numpy as np

from millrace.domain.kinds import ColumnType
from millrace.domain.proposal.personal import (
    MOSTLY,
    NAME_WORDS,
    is_full_name,
    personal_by_name,
    personal_by_values,
)
from millrace.domain.proposal.words import joined
from millrace.domain.table_scan import ColumnScan, TableScan

VALUES_LOOKED_AT = 500
DISTINCT = 0.5
LEAST_NAMES = 50
"""Two capitalised words may be a place too: of these there are fewer, and they repeat."""


def find_personal(column: ColumnScan, scan: TableScan) -> str | None:
    """Say what the column holds about persons, and how that was seen."""
    if column.type is ColumnType.BOOL:
        return None  # that there is a phone is no phone number
    if _holds_whole_numbers(column, scan):
        column = replace(column, type=ColumnType.INT)
    by_name = personal_by_name(column.name)
    if by_name is not None and not _is_other(by_name, column):
        return f"{by_name}, by its name"
    if column.type not in (ColumnType.STRING, ColumnType.INT):
        return None
    if column.type is ColumnType.STRING and (how := _are_persons(column, scan)):
        return f"names of persons, {how}"
    if by_values := personal_by_values(sample_texts(column, scan)):
        held, share = by_values
        return f"{held}, by {share:.0%} of its values"
    return None


def _holds_whole_numbers(column: ColumnScan, scan: TableScan) -> bool:
    """Say whether it is whole numbers under the type of others, as those that may be null come to be."""
    if column.type is not ColumnType.FLOAT or column.name not in scan.sample:
        return False
    values = scan.sample[column.name].dropna().to_numpy(dtype=np.float64)
    return bool(values.size) and bool((np.isfinite(values) & (values == np.trunc(values))).all())


def _is_other(held: str, column: ColumnScan) -> bool:
    """Say whether it is a count or a flag: a few numbers are no names and addresses."""
    few = column.distinct <= 10  # noqa: PLR2004
    if held == "names of persons" and column.type is ColumnType.STRING and few:
        few = not all(value[:1].isupper() and value.isalpha() for value, _ in column.common)
    return held != "dates of birth" and (few or column.type is ColumnType.FLOAT)


def _are_persons(column: ColumnScan, scan: TableScan) -> str | None:
    """Say how names of persons were seen: two capitalised words, or different texts under a word for name."""
    values = sample_texts(column, scan)
    is_distinct = column.distinct >= DISTINCT * max(1, scan.rows - column.nulls)
    is_called_so = joined(column.name) in NAME_WORDS
    share = sum(map(is_full_name, values)) / max(1, len(values))
    if share >= MOSTLY and (is_called_so or (is_distinct and column.distinct >= LEAST_NAMES)):
        return f"by {share:.0%} of its values"
    if is_called_so and is_distinct and not any(_is_code(value) for value in values):
        return "by its name and that its values are distinct texts"
    return None


def _is_code(value: str) -> bool:
    return " " not in value and any(map(str.isdigit, value))


def sample_texts(column: ColumnScan, scan: TableScan) -> list[str]:
    """Return different values of a column as texts, in the order of the sample."""
    if column.name not in scan.sample:
        return []
    values = scan.sample[column.name].dropna().unique()[:VALUES_LOOKED_AT]
    if column.type is ColumnType.INT:
        return [str(int(value)) for value in values]
    return [str(value) for value in values]
