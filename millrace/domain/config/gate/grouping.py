"""By which columns can rows be told apart, for a gate that looks at some of them by themselves?"""

from collections.abc import Iterator, Mapping

from millrace.domain.config.data import ColumnContract
from millrace.domain.config.gate.fairness import FairnessPolicy
from millrace.domain.config.gate.slices import SlicesPolicy
from millrace.domain.kinds import ColumnType

TOGETHER = "*"


def parts_of(entry: str) -> tuple[str, ...]:
    """Name the columns of an entry of `columns`.

    >>> parts_of("origin"), parts_of("origin * carrier")
    (('origin',), ('origin', 'carrier'))
    """
    return tuple(part.strip() for part in entry.split(TOGETHER))


def find_strange(
    name: str, policy: SlicesPolicy | FairnessPolicy, columns: Mapping[str, ColumnContract], target: str
) -> str | None:
    """Say why a section cannot group the rows, None where it can."""
    return next(_strange(f"gate.{name}", policy, columns, target), None)


def _strange(
    where: str, policy: SlicesPolicy | FairnessPolicy, columns: Mapping[str, ColumnContract], target: str
) -> Iterator[str]:
    for entry in policy.columns:
        parts = parts_of(entry)
        if len(parts) > 2 or len({*parts}) < len(parts):  # noqa: PLR2004
            yield f"{where}.columns names {entry!r}: one column, or two different ones"
        for column in parts:
            if column not in columns:
                yield f"{where}.columns names {column!r}, which is not in [contract.columns]"
            elif column == target:
                yield f"{where}.columns names {column!r}, the target"
            elif columns[column].type is ColumnType.TIMESTAMP:
                yield f"{where}.columns names {column!r}, a timestamp: blocks tell times apart"
            elif columns[column].is_number and policy.bins is None:
                yield f"{where}.columns names {column!r}, a number, and bins does not say how it is cut"
    if len({*policy.columns}) < len(policy.columns):
        yield f"{where}.columns names a column twice"
