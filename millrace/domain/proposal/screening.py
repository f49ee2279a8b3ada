"""Which checks against tampering does a batch of this table go through?"""

from collections.abc import Iterable, Iterator
from textwrap import wrap

import numpy as np

from millrace.domain.batch_rules import Hashes, key_hashes
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.poisoning.cells import EndlessSpreadError, hash_cells, spreads_of
from millrace.domain.proposal.features import CATEGORICAL
from millrace.domain.proposal.findings import Block, Draft, Entry

GROWTH = 10
"""Copies are looked for where honest rows hardly repeat each other in a table of so many times the rows."""

WIDTH, GRIDS = 0.05, 2
MOST_EXACT, MOST_NEAR, MOST_GOLDEN = 0.01, 0.05, 0.02
OFTEN = 20
"""A value that has come less often makes no pair that could be told."""

MOST_COLUMNS = 10
"""They are 45 pairs; a hundred columns would be 4,950."""

WRAPPED = 100
ABOVE = (
    "What looks tampered with waits until a person lets it in: `millrace quarantine`. Who may deliver, and",
    "how much, no table tells: see [poisoning.provenance] and [poisoning.quota].",
)


def poisoning_blocks(draft: Draft) -> tuple[Block, ...]:
    """Return the tables of [poisoning] that need nothing a table cannot tell, such as who delivers what."""
    copies, why_not = _copies(draft)
    above = (*ABOVE, *wrap(why_not, WRAPPED))
    return (
        Block("poisoning.volume", _chart(0.001), "rows: as many as usual", above),
        Block("poisoning.label_rate", _chart(0.0001), "targets: as usual; seasons move them"),
        _disagreement(draft),
        *copies,
        *_triggers(draft),
    )


_GRID = (
    Entry("width", WIDTH, "standard deviations of each number are near"),
    Entry("grids", GRIDS, "shifted, for rows on two sides of a border"),
)


def _chart(false_alarms: float) -> tuple[Entry, ...]:
    return (
        Entry("min_batches", 10, "until then nothing is concluded: look at the first batches yourself"),
        Entry("last_batches", 26, "say what is usual"),
        Entry("false_alarms", false_alarms, "of honest batches"),
    )


def _disagreement(draft: Draft) -> Block:
    return Block("poisoning.disagreement", (
        *_chart(0.01),
        Entry("deciding", ["batch"], "a champion that grows old contradicts honest labels too"),
        Entry("confident_share", 0.2, "of the rows, the surest: flips show there"),
        Entry("confident_slice_share", 0.4, "within a slice, which has fewer rows"),
        Entry("folds", 3, "each learned from the others"),
        Entry("max_rows", 20_000, "are drawn from a larger batch"),
        Entry("min_slice_rows", 500, "of a smaller slice nothing can be told"),
        Entry("slices", _tellable(draft, draft.slices), "each value is looked at by itself"),
    ), "labels that the rest of the batch contradicts")  # fmt: skip


def _copies(draft: Draft) -> tuple[tuple[Block, ...], str]:
    """Ask where chance keeps far from the limits; say of what is not asked why."""
    try:
        exact, near = _expect_copies(draft)
    except EndlessSpreadError as error:
        return (), f"Copies are not looked for: {error.column} has no finite spread."
    golden, longer = near * draft.split.golden / draft.target.rows, f"in {GROWTH} times as many rows"
    found, missing = [], []
    if exact <= MOST_EXACT and near <= MOST_NEAR:
        found.append(Block("poisoning.duplicates", (
            Entry("max_exact_share", MOST_EXACT, f"as another row; by chance {exact:.2%} {longer}"),
            Entry("max_near_share", MOST_NEAR, f"nearly as another row; by chance {near:.2%} {longer}"),
            *_GRID,
        ), "rows that come again under other keys"))  # fmt: skip
    else:
        missing.append(f"each other ({min(exact, 1.0):.1%} exactly, {min(near, 1.0):.1%} nearly)")
    if golden <= MOST_GOLDEN:
        found.append(Block("poisoning.golden_copies", (
            Entry("max_share", MOST_GOLDEN, f"nearly as a golden row; by chance {golden:.2%} {longer}"),
            *_GRID,
        ), "to learn golden rows is to know the answers"))  # fmt: skip
    else:
        missing.append(f"golden ones ({min(golden, 1.0):.1%})")
    told = f"Copies are not looked for where honest rows may be like {' or '.join(missing)}, {longer}."
    return tuple(found), told if missing else ""


def _expect_copies(draft: Draft) -> tuple[float, float]:
    """Return how many others to expect with a row's features, and with nearly these: bounds of the shares.

    In a longer table a row has as many times more of them. Of a part of the table one pair more is expected
    than was seen.
    """
    rows, whole = draft.scan.sample.reset_index(drop=True), draft.scan.rows
    is_number = {one.name: one.type in (ColumnType.INT, ColumnType.FLOAT) for one in draft.scan.columns}
    names = [one.column for one in draft.features]
    numbers = [name for name in names if is_number[name] and not draft.is_kind(name, CATEGORICAL)]
    others = [name for name in names if name not in numbers]
    spreads = spreads_of(rows, numbers)
    near = [hash_cells(rows, spreads, others, WIDTH, grid / GRIDS) for grid in range(GRIDS)]
    unseen = 0.0 if len(rows) == whole else 2.0 * whole / len(rows) ** 2
    exact, near_ = (
        GROWTH * whole / len(rows) * sum(map(_count_others, hashes)) / len(rows) + unseen
        for hashes in ([key_hashes(rows, names)], near)
    )
    return exact, near_


def _count_others(hashes: Hashes) -> int:
    """Count, for all rows together, the other rows of one hash."""
    _, counts = np.unique(hashes, return_counts=True)
    return int((counts * (counts - 1)).sum())


def _triggers(draft: Draft) -> Iterator[Block]:
    columns = _pairable(draft)
    if draft.target.task is Task.REGRESSION or len(columns) < 2:  # noqa: PLR2004
        return
    yield Block("poisoning.triggers", (
        Entry("columns", columns, "whose pairs of values are looked at"),
        Entry("min_rows", OFTEN, "with the pair"),
        Entry("min_blocks", 7, "a block, such as a day, may give all its rows one label honestly"),
        Entry("min_ratio", 20.0, "times as frequent as in the dataset"),
        Entry("purity", 0.95, "of its rows have one label, and their neighbours do not"),
        Entry("false_alarms", 0.001, "over all pairs"),
    ), "rare pairs of values that all carry one label: a backdoor")  # fmt: skip


def _pairable(draft: Draft) -> list[str]:
    """Name the categories, then whole numbers, whose values come often enough."""
    columns = {one.column: draft.scan.column(one.column) for one in draft.features}
    whole = [name for name, column in columns.items() if column.type is ColumnType.INT]
    names = dict.fromkeys((*draft.of_kind(CATEGORICAL), *whole))
    often = [name for name in names if columns[name].distinct * OFTEN <= draft.scan.rows]
    return _tellable(draft, often)[:MOST_COLUMNS]


def _tellable(draft: Draft, names: Iterable[str]) -> list[str]:
    """Leave out what is personal: the values of what is named here stand in the ledger."""
    return [name for name in names if not draft.feature[name].personal]
