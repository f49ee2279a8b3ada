"""Which rules beyond those that are always asked must a challenger keep, and which are told only?"""

from collections.abc import Sequence
from dataclasses import replace

from millrace.domain.config.gate.grouping import TOGETHER
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.losses import metric_value
from millrace.domain.proposal.bar import METRIC_OF, SEEN, gap_of, has_many
from millrace.domain.proposal.findings import MOST_GROUPS, Block, Draft, Entry, Probe
from millrace.domain.proposal.scale import outward

HONEST = 0.98
"""A feature that alone explains more than this of what can be explained is one to look at."""

SLICE_SHARE = 0.1
LEAST_OF_A_CLASS = 20
"""Rows of the sample: a slice with fewer of a class has no AUC that says anything."""

UNFAIR = 0.2
GROUP_ROWS = 100
UNCALIBRATED = 0.15
"""More than monitoring allows: the shares of classes move by themselves between training and judged rows."""

_FAIRNESS = "fairness"
_STATISTICAL = frozenset({"leakage", "calibration", "slices"})


def with_rules(bar: Sequence[Block], draft: Draft, probe: Probe | None) -> tuple[Block, ...]:
    """Return the bar with the sections that ask for further rules; those in `dry_run` only tell.

    What few rows would leave undecided is told; so is fairness, whose limits a person has to choose.
    """
    found = (
        _leakage(draft, probe),
        _robustness(),
        _calibration(draft),
        _slices(draft, probe),
        _fairness(draft),
    )
    asked = tuple(block for block in found if block is not None)
    told = _told_only([block.name.removeprefix("gate.") for block in asked], draft)
    gate = tuple(replace(one, entries=(*one.entries, *told)) if one.name == "gate" else one for one in bar)
    return gate + asked


def _told_only(rules: Sequence[str], draft: Draft) -> tuple[Entry, ...]:
    named = {_FAIRNESS} if has_many(draft) else {_FAIRNESS, *_STATISTICAL}
    told = [rule for rule in rules if rule in named]
    if not told:
        return ()
    few = "so few rows or blocks often leave them undecided" if set(told) - {_FAIRNESS} else ""
    people = "fairness waits for a person to choose its limits" if _FAIRNESS in told else ""
    why = "; ".join(reason for reason in (few, people) if reason)
    return (Entry("dry_run", told, f"told, and deciding nothing: {why}"),)


def _leakage(draft: Draft, probe: Probe | None) -> Block | None:
    if probe is None:
        return None
    if draft.target.task is Task.BINARY:
        most, why = 0.995, "AUC of a feature alone"
    else:
        metric = METRIC_OF[draft.target.task]
        most = outward(metric_value(metric, (1.0 - HONEST) * probe.constant), upward=False)
        why = f"{metric} of a feature alone, a fiftieth of what one answer for all has"
    if most <= 0.0:
        return None
    kept = [one.column for one in draft.features if one.column in draft.wishes.keep]
    return Block("gate.leakage", (
        Entry("max_single_feature", most, f"{why}: a better one knows the target"),
        Entry("max_copied_share", 0.01, "of judged rows that were learned from too, beyond chance"),
        *([Entry("allowed", kept, "named by --keep: they may be as good as they are")] if kept else []),
    ), "does it know what it could not know?")  # fmt: skip


def _robustness() -> Block:
    why = "told in another way they are answered the same, and extreme values finitely"
    return Block("gate.robustness", (Entry("rows", 2000, f"at most; {why}"),))


def _calibration(draft: Draft) -> Block | None:
    if not _has_shares(draft):
        return None
    return Block("gate.calibration", (
        Entry("max_error", UNCALIBRATED, "between the shares predicted and seen, which seasons move"),
    ))  # fmt: skip


def _slices(draft: Draft, probe: Probe | None) -> Block | None:
    columns = [name for name in _nameable(draft.slices) if _has_all_classes(draft, name)]
    if probe is None or not columns:
        return None
    harm = SEEN * probe.noise / SLICE_SHARE**0.5
    harm = min(harm, gap_of(probe)) if gap_of(probe) > 0 else harm
    if harm <= 0.0:
        return None
    return Block("gate.slices", (
        Entry("columns", columns, "each value is looked at by itself"),
        Entry("max_harm", outward(harm, upward=True), "against the champion: twice what chance does in one"),
        Entry("min_blocks", draft.split.min_blocks, "fewer are not judged, but named"),
        Entry("min_share", SLICE_SHARE, "of a rarer one only a sure miss counts"),
        *_bins(draft, columns),
    ))  # fmt: skip


def _fairness(draft: Draft) -> Block | None:
    columns = _nameable(draft.sensitive)
    if not columns:
        return None
    measures = (
        ("max_parity_difference", "max_odds_difference")
        if draft.target.task is Task.BINARY
        else ("max_error_difference",)
    )
    return Block("gate.fairness", (
        Entry("columns", columns, "by the names, what people must not be treated by"),
        *(Entry(name, UNFAIR, "between two groups; a lawyer may say another number") for name in measures),
        Entry("min_rows", GROUP_ROWS, "a smaller group is not compared, but named"),
        Entry("min_share", 0.05, "of a rarer group only a sure difference counts"),
        *_bins(draft, columns),
    ), "it is told, and decides once fairness is taken out of gate.dry_run")  # fmt: skip


def _nameable(columns: Sequence[str]) -> list[str]:
    """Leave out names that would be read as two columns together."""
    return [name for name in columns if TOGETHER not in name]


def _has_all_classes(draft: Draft, name: str) -> bool:
    """Say whether each value that has to be shown has rows of both classes: else its AUC is none."""
    if draft.target.task is not Task.BINARY:
        return True
    sample = draft.scan.sample[[name, draft.target.column]].dropna()
    counts = sample.groupby(name, observed=True)[draft.target.column].value_counts().unstack(fill_value=0)
    large = counts[counts.sum(axis=1) >= SLICE_SHARE / 2.0 * len(sample)]
    return counts.shape[1] > 1 and bool((large.min(axis=1) >= LEAST_OF_A_CLASS).all())


def _bins(draft: Draft, columns: Sequence[str]) -> tuple[Entry, ...]:
    types = {draft.scan.column(name).type for name in columns}
    if not types & {ColumnType.INT, ColumnType.FLOAT}:
        return ()
    return (Entry("bins", MOST_GROUPS, "a number of no more values keeps them"),)


def _has_shares(draft: Draft) -> bool:
    return draft.target.task is not Task.REGRESSION
