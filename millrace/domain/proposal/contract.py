"""What must each column and each batch satisfy, with room for what a file is not told of?"""

import numpy as np

from millrace.domain.batch_rules import Hashes, key_hashes
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.proposal.findings import Block, Draft, Entry
from millrace.domain.proposal.scale import outward, round_down, two_digits
from millrace.domain.table_scan import ColumnScan

ROOM = 0.5
"""Beyond the lowest and the highest value seen, as a share of what lies between."""

CLOSED_CATEGORIES = 6
"""So few values, each of them often, are all there are."""

CLOSED_ROWS = 20
MOST_NULL_ROOM = 0.05
LEAST_BATCH_SHARE = 0.01
GROWTH = 3
ENOUGH_BATCHES = 3
"""With fewer, how small a batch can be is not known."""

_NUMBERS = (ColumnType.FLOAT, ColumnType.INT)


def contract_blocks(draft: Draft) -> tuple[Block, Block]:
    """Return [contract] and [contract.columns]."""
    scan, target = draft.scan, draft.scan.column(draft.target.column)
    labelled = 1.0 - draft.seen.null_share(target.name, target.nulls / scan.rows)
    repeats, why_repeats = _duplicates(draft)
    entries = [
        _min_rows(draft),
        Entry("max_duplicate_share", repeats, why_repeats),
        Entry("min_label_share", _label_share(labelled), _why_labelled(draft, labelled)),
    ]
    if draft.dropped:
        entries.append(Entry("ignored", list(draft.dropped), "may stand in a file, and is not kept"))
    columns = [
        Entry(column.name, _clauses(column, draft), _why(column, draft))
        for column in scan.columns if column.name not in draft.dropped
    ]  # fmt: skip
    above = (
        f"Ranges are wider than in {draft.seen.words} by half of it: a unit mixed up is seen, little else.",
    )
    return Block("contract", tuple(entries)), Block("contract.columns", tuple(columns), above=above)


def _min_rows(draft: Draft) -> Entry:
    if len(draft.seen.batches) >= ENOUGH_BATCHES:
        smallest = min(one.rows for one in draft.seen.batches)
        why = f"half of the smallest of {len(draft.seen.batches)} batches, {smallest:,} rows"
        return Entry("min_rows", max(1, int(round_down(smallest / 2))), why)
    rows = draft.scan.rows
    why = f"a hundredth of the {rows:,} rows of {draft.seen.words}: less is a broken export"
    if draft.seen.batches:
        why = f"a hundredth of {rows:,} {draft.seen.words.removeprefix('the ')}: too few batches to tell more"
    return Entry("min_rows", max(1, int(round_down(rows * LEAST_BATCH_SHARE))), why)


def _why_labelled(draft: Draft, labelled: float) -> str:
    if draft.seen.batches:
        return f"{labelled:.1%} of the rows have a target in the batch with fewest"
    return f"{labelled:.1%} of the rows of {draft.seen.words} have a target"


def _equal_rows(hashes: Hashes, rows: int, seen: str) -> tuple[float, str]:
    """Allow for rows that are equal by chance to some in the dataset, which grows.

    Of the rows to come as many have an equal one as have now (Good and Turing), and more as there are more.
    """
    _, counts = np.unique(hashes, return_counts=True)
    share = float(counts[counts > 1].sum()) / hashes.size
    if share == 0.0 and hashes.size == rows:
        return 0.0, f"no row stands twice in {seen}"
    room = min(1.0, GROWTH * max(share, 0.01) * rows / hashes.size)
    told = f"{share:.2%} of the rows have an equal one in {seen}; room for {GROWTH} times as many rows"
    return (1.0, f"{told}: all may have") if room == 1.0 else (outward(room, upward=True), told)


def _label_share(labelled: float) -> float:
    return 0.95 if labelled == 1.0 else two_digits(max(0.0, int(labelled * 90) / 100))


def _duplicates(draft: Draft) -> tuple[float, str]:
    sample, whole, seen = draft.scan.sample, draft.scan.rows, draft.seen.words
    if not len(sample):
        return 0.0, "no row twice"
    columns = [
        one.name
        for one in draft.scan.columns
        if one.name in (draft.key or sample.columns) and one.name not in draft.dropped
    ]  # fmt: skip
    hashes = key_hashes(sample.set_axis(range(len(sample))), columns)
    if not draft.key:
        return _equal_rows(hashes, whole, seen)
    share = 1.0 - np.unique(hashes).size / hashes.size
    if len(sample) == whole:
        if share == 0.0:
            return 0.0, f"no key stands twice in {seen}"
        return outward(min(1.0, 1.5 * share), upward=True), f"{share:.2%} of the rows repeat a key in {seen}"
    # what repeats in a sample repeats more often in the whole, and what does not may
    expected = min(1.0, max(0.02, 2.0 * share * whole / len(sample)))
    return outward(expected, upward=True), f"{share:.2%} of a sample of {len(sample):,} rows repeat a key"


def _clauses(column: ColumnScan, draft: Draft) -> dict[str, object]:
    clauses: dict[str, object] = {"type": column.type.value}
    nulls = _null_share(column, draft)
    if nulls:
        clauses["max_null_share"] = nulls
    if column.name in draft.hidden:
        return clauses | dict(draft.hidden[column.name])
    if (closed := _closed(column, draft)) is not None:
        clauses["categories"] = closed
    elif _has_range(column, draft):
        clauses |= _range(column, draft)
    return clauses


def _null_share(column: ColumnScan, draft: Draft) -> float:
    name = column.name
    share = draft.seen.null_share(name, column.nulls / draft.scan.rows)
    if name == draft.target.column:
        return outward(1.0 - _label_share(1.0 - share), upward=True)
    if name in draft.why_left_out:
        return 1.0  # it is kept for people, and may not keep a batch out
    if share == 0.0:
        return 0.0
    return outward(min(1.0, share + max(min(share, 0.2), MOST_NULL_ROOM)), upward=True)


def _has_range(column: ColumnScan, draft: Draft) -> bool:
    is_seen = column.name in draft.feature or column.name == draft.target.column
    is_amount = draft.is_kind(column.name, "numeric") or column.name == draft.target.column
    is_class = column.name == draft.target.column and draft.target.task is not Task.REGRESSION
    return is_seen and is_amount and not is_class and column.type in _NUMBERS


def _range(column: ColumnScan, draft: Draft) -> dict[str, object]:
    if column.low is None or column.high is None:
        return {}
    room = ROOM * (column.high - column.low) * (2.0 if column.name == draft.target.column else 1.0)
    low, high = outward(column.low - room, upward=False), outward(column.high + room, upward=True)
    if column.low >= 0.0 > low:
        low = 0.0
    if column.high <= 0.0 < high:
        high = 0.0
    whole = column.type is ColumnType.INT and max(abs(low), abs(high)) < 2**53
    bounds = {"min": int(low) if whole else low, "max": int(high) if whole else high}
    return {name: bound for name, bound in bounds.items() if np.isfinite(bound)}


def _closed(column: ColumnScan, draft: Draft) -> list[str] | None:
    if column.name == draft.target.column and draft.target.classes and column.type is not ColumnType.BOOL:
        values = sorted(value for value, _ in draft.target.classes)
        return values if column.type is not ColumnType.FLOAT else None
    if column.type is not ColumnType.STRING or not draft.is_kind(column.name, "categorical"):
        return None
    rarest = min((rows for _, rows in column.common), default=0)
    is_closed = 1 < column.distinct <= CLOSED_CATEGORIES and rarest >= max(CLOSED_ROWS, draft.scan.rows / 100)
    return sorted(value for value, _ in column.common) if is_closed else None


def _why(column: ColumnScan, draft: Draft) -> str | None:
    why = draft.why_left_out.get(column.name)
    if why is not None:
        return f"no feature: {why}"
    feature = draft.feature.get(column.name)
    said = feature.note if feature else None
    share = f"{column.nulls / draft.scan.rows:.1%} empty" if column.nulls else None
    seen = _seen_range(column) if draft.seen.batches else None
    if column.name in draft.hidden:
        seen = "hidden by [serving]: what was seen is not told"
    return "; ".join(filter(None, (said, share, seen))) or None


def _seen_range(column: ColumnScan) -> str | None:
    if column.low is not None and column.high is not None:
        return f"{column.low:g} to {column.high:g}"
    if column.first is not None and column.last is not None:
        return f"{column.first:%Y-%m-%d} to {column.last:%Y-%m-%d}"
    return f"{column.distinct:,} values" if column.type is ColumnType.STRING else None
