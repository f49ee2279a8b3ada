"""Which columns of a table hold data about persons?"""

from millrace.domain.kinds import ColumnType
from millrace.domain.proposal.personal import personal_by_name, personal_by_values
from millrace.domain.table_scan import ColumnScan, TableScan

VALUES_LOOKED_AT = 500


def find_personal(column: ColumnScan, scan: TableScan) -> str | None:
    """Say what the column holds about persons, and how that was seen."""
    if column.type is ColumnType.BOOL:
        return None  # that there is a phone is no phone number
    by_name = personal_by_name(column.name)
    if by_name is not None and not _is_other(by_name, column):
        return f"{by_name}, by its name"
    if column.type not in (ColumnType.STRING, ColumnType.INT):
        return None
    if by_values := personal_by_values(sample_texts(column, scan)):
        held, share = by_values
        return f"{held}, by {share:.0%} of its values"
    return None


def _is_other(held: str, column: ColumnScan) -> bool:
    """Say whether it is a count or a flag: a few numbers are no names and addresses."""
    few = column.distinct <= 10  # noqa: PLR2004
    return held != "dates of birth" and (few or column.type is ColumnType.FLOAT)


def sample_texts(column: ColumnScan, scan: TableScan) -> list[str]:
    """Return different values of a column as texts, in the order of the sample."""
    if column.name not in scan.sample:
        return []
    values = scan.sample[column.name].dropna().unique()[:VALUES_LOOKED_AT]
    if column.type is ColumnType.INT:
        return [str(int(value)) for value in values]
    return [str(value) for value in values]
