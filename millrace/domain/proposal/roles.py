"""Which columns are the time, the key and the group of a row, rather than what is learned from?"""

from dataclasses import dataclass
from datetime import timedelta

from millrace.domain.kinds import ColumnType
from millrace.domain.proposal.findings import Doubt
from millrace.domain.proposal.identifiers import are_amounts, are_codes, is_called_key
from millrace.domain.proposal.persons import find_personal, sample_texts
from millrace.domain.proposal.wishes import NotModelledError, Wishes
from millrace.domain.proposal.words import words_of
from millrace.domain.table_scan import ColumnScan, TableScan

GROUP_WORDS = frozenset({
    "id", "user", "customer", "client", "patient", "subject", "person", "account",
    "device", "member", "household", "machine", "sensor", "session", "kunde", "paciente", "sujet",
    "chick", "animal",
    "student", "employee", "owner"})  # fmt: skip

LEAST_GROUPS = 80
"""With fewer, golden and recent would not hold 14 of them each."""

FEW_GAPS = 0.05
"""A column of times with more gaps is no time of a row: it is when something happened, to some of them."""

ZONES = timedelta(days=1)
"""What a local time that is read as UTC may be ahead."""

ALMOST = 0.93
"""Distinct values are counted nearly in large tables: from this share of the rows on they may all be."""


@dataclass(frozen=True)
class Roles:
    """The columns with a role, why, and what could be otherwise."""

    time: str | None
    key: tuple[str, ...]
    group: str | None
    why: dict[str, str]
    doubts: tuple[Doubt, ...]


def find_roles(scan: TableScan, wishes: Wishes) -> Roles:
    """Choose time, key and group: what was named, else what looks like it.

    Raises
    ------
    NotModelledError
        If a named column cannot have the role.
    """
    doubts: list[Doubt] = []
    why: dict[str, str] = {}
    time = _find_time(scan, wishes, why, doubts)
    key = _find_key(scan, wishes, why, doubts)
    group = None if time else _find_group(scan, wishes, key, why, doubts)
    return Roles(time, key, group, why, tuple(doubts))


def is_unique(column: ColumnScan, scan: TableScan) -> bool:
    """Say whether every row has a value of its own, as far as a count of many values can tell.

    Such a count is a few percent off: nothing may repeat in the sample either.
    """
    if column.nulls:
        return False
    if scan.rows <= _EXACT_ROWS:
        return column.distinct >= scan.rows
    is_almost = column.distinct >= ALMOST * scan.rows
    return is_almost and (column.name not in scan.sample or scan.sample[column.name].is_unique)


_EXACT_ROWS = 10_000


def _find_time(scan: TableScan, wishes: Wishes, why: dict[str, str], doubts: list[Doubt]) -> str | None:
    if wishes.time is not None:
        column = scan.column(wishes.time)
        _check_time(column, scan.rows)
        why["time"] = "named by --time"
        if _is_ahead(column, wishes):
            what = f"{column.name} has times in the future: rows teach and judge once they are over"
            doubts.append(Doubt(what, "--time"))
        return column.name
    times = [
        one for one in scan.columns
        if one.type is ColumnType.TIMESTAMP and not one.nulls and one.distinct > 1
        and one.name not in {wishes.target, *wishes.key}
    ]  # fmt: skip
    doubts += [
        Doubt(f"{one.name} has times in the future, as what is planned has: it is not the time of a row",
              f"--time {one.name}")
        for one in times if _is_ahead(one, wishes)
    ]  # fmt: skip
    times = [one for one in times if not _is_ahead(one, wishes) and find_personal(one, scan) is None]
    if not times:
        doubts += _times_with_gaps(scan, wishes)
        return None
    chosen = max(times, key=lambda one: (one.rises, one.distinct))
    why["time"] = f"the {'one' if len(times) == 1 else 'best'} column of times without a gap"
    if len(times) > 1:
        others = ", ".join(one.name for one in times if one is not chosen)
        how = "it rises from row to row" if chosen.rises else "it has most values"
        doubts.append(
            Doubt(f"several columns are times: took {chosen.name}, {how}, not {others}", "data.time")
        )
    return chosen.name


def _is_ahead(column: ColumnScan, wishes: Wishes) -> bool:
    """Whether some of its times are to come, whatever the zone they were written in."""
    return wishes.now is not None and column.last is not None and column.last > wishes.now + ZONES


def _times_with_gaps(scan: TableScan, wishes: Wishes) -> list[Doubt]:
    """Tell of times that a few rows lack: without these the column would be the time."""
    gaps = [
        one for one in scan.columns
        if one.type is ColumnType.TIMESTAMP and 0 < one.nulls <= FEW_GAPS * scan.rows and one.distinct > 1
        and one.name not in {wishes.target, *wishes.key}
    ]  # fmt: skip
    return [
        Doubt(
            f"{one.name} would be the time, but is empty in {one.nulls:,} of {scan.rows:,} rows, as in a "
            "footer such as Total: take them out of the file, for rows are divided without a time now",
            f"--time {one.name}",
        )
        for one in gaps
    ]


def _check_time(column: ColumnScan, rows: int) -> None:
    if column.type is not ColumnType.TIMESTAMP:
        raise NotModelledError(
            f"--time {column.name!r} is of type {column.type}",
            "a time such as 2013-04-01 or 2013-04-01T12:30 is needed", "Name another column, or none",
        )  # fmt: skip
    if column.nulls:
        raise NotModelledError(
            f"--time {column.name!r} is empty in {column.nulls:,} of {rows:,} rows",
            "every row needs its time", "Fill it, take these rows out, or name another column",
        )  # fmt: skip


def _find_key(scan: TableScan, wishes: Wishes, why: dict[str, str], doubts: list[Doubt]) -> tuple[str, ...]:
    if wishes.key:
        for name in wishes.key:
            if nulls := scan.column(name).nulls:
                raise NotModelledError(
                    f"--key {name!r} is empty in {nulls:,} of {scan.rows:,} rows", "every row needs its key",
                    "Name other columns, or none",
                )  # fmt: skip
        why["key"] = "named by --key"
        return wishes.key
    unique = [
        one for one in scan.columns
        if one.name not in {wishes.target, wishes.time, *wishes.keep} and is_unique(one, scan)
        and _may_be_key(one, scan)
    ]  # fmt: skip
    named = [one for one in unique if is_called_key(one.name)]
    coded = [one for one in unique if one.type is ColumnType.STRING and are_codes(sample_texts(one, scan))]
    chosen = next(iter((*named, *coded)), None)
    if chosen is None:
        return ()
    why["key"] = "each row has another" + (", and it is called like one" if chosen in named else "")
    if chosen not in named:
        what = f"took {chosen.name} for the key: codes of one pattern, another in each row"
        doubts.append(Doubt(what, "data.key"))
    return (chosen.name,)


def _may_be_key(column: ColumnScan, scan: TableScan) -> bool:
    if column.nearly is not None or find_personal(column, scan) is not None:
        return False
    if column.type is ColumnType.INT:
        return True
    is_one_word = not any(" " in value for value, _ in column.common)
    return column.type is ColumnType.STRING and is_one_word and not are_amounts(sample_texts(column, scan))


def _find_group(
    scan: TableScan, wishes: Wishes, key: tuple[str, ...], why: dict[str, str], doubts: list[Doubt]
) -> str | None:
    for column in scan.columns:
        if column.name in {wishes.target, *key, *wishes.keep} or not _may_be_group(column, scan.rows):
            continue
        if flaw := _find_group_flaw(column, scan):
            what = f"{column.name} may be an entity with several rows each, {flaw}"
            doubts.append(Doubt(f"{what}: its rows may teach and judge at once", "data.group"))
            continue
        each = scan.rows / column.distinct
        why["group"] = (
            f"{column.distinct:,} of them with {each:.1f} rows each: what is known of one is no test"
        )
        doubts.append(Doubt(f"took {column.name} for an entity whose rows belong together", "data.group"))
        return column.name
    return None


def _find_group_flaw(column: ColumnScan, scan: TableScan) -> str | None:
    if personal := find_personal(column, scan):
        return f"and holds {personal}, and groups are named in manifests and reports"
    if column.distinct < LEAST_GROUPS:
        return f"{column.distinct} of them are too few to divide"
    return None


def _may_be_group(column: ColumnScan, rows: int) -> bool:
    words = {*words_of(column.name)}
    is_code = column.type in (ColumnType.INT, ColumnType.STRING) and not column.nulls
    is_code = is_code and column.nearly is None
    repeats = 30 <= column.distinct <= rows / 2  # noqa: PLR2004 (fewer are categories)
    return is_code and repeats and bool(words & GROUP_WORDS) and not words & {"number", "count", "visits"}
