"""What of it is watched in production, and what is tried when it changes?"""

from millrace.domain.kinds import Task
from millrace.domain.proposal.bar import gap_of, margins
from millrace.domain.proposal.findings import Block, Draft, Entry, Probe
from millrace.domain.proposal.scale import outward, round_up, two_digits

SHOWN_ROWS = 1000
"""Fewer cannot show that less than a hundredth of them are wrong."""

LEAST_LABELS, MOST_LABELS = 100, 1000
UNFAIR = 0.2
LEAST_CHECKED, MOST_CHECKED = 100, 30_000


def watch_blocks(draft: Draft, probe: Probe | None) -> tuple[Block, ...]:
    """Return [monitor], [drift], [performance], [health], [silence] and [check]."""
    return (
        _monitor(),
        _drift(draft),
        _performance(draft, probe),
        _health(),
        _silence(draft),
        _check(draft, probe),
    )


def _monitor() -> Block:
    return Block("monitor", (
        Entry("schedule", "0 * * * *", "each hour, UTC,"),
        Entry("every_rows", 20_000, "and as soon as so many answers have come"),
    ), "what is asked and answered is looked at")  # fmt: skip


def _drift(draft: Draft) -> Block:
    features = len(draft.features)
    share = two_digits(min(0.5, max(0.2, 2.0 / features))) if features > 2 else 0.5  # noqa: PLR2004
    least = min(features, int(share * features) + 1)
    return Block("drift", (
        Entry("numeric", {"test": "wasserstein", "threshold": 0.5}, "in standard deviations"),
        Entry("categorical", {"test": "jensenshannon", "threshold": 0.2}, "0 alike, 0.83 nothing in common"),
        Entry("min_rows", SHOWN_ROWS, "until then a window goes on"),
        Entry("confidence", 0.99, "what chance brings once in a hundred looks at all columns is no drift"),
        Entry("max_unseen_share", 0.1, "other categories, values beyond the range, new nulls"),
        Entry("max_column_share", share, f"{least} of {features} columns or more,"),
        Entry("windows", 2, "in two windows in a row"),
    ), "measured by Evidently against what the champion learned from")  # fmt: skip


def _performance(draft: Draft, probe: Probe | None) -> Block:
    labels = int(min(max(LEAST_LABELS, round_up(draft.split.recent)), MOST_LABELS))
    loss = margins(draft, probe)[0] or (gap_of(probe) / 2 if probe else 0.0)
    entries = [
        Entry("min_labels", labels, "fewer are not judged"),
        Entry(
            "max_excess_loss",
            outward(loss, upward=True),
            "in units of gate.metric, above the level at the gate",
        ),
        Entry("confidence", 0.95, "a lower bound at it has to be above that"),
        Entry("windows", 2, "in a row: one may be chance"),
    ]
    if draft.target.task is not Task.REGRESSION:
        entries.append(Entry("max_calibration_error", 0.1, "between the shares that were predicted and seen"))
    if draft.slices:
        entries.append(Entry("slices", list(draft.slices), "each value is looked at by itself"))
    if draft.sensitive:
        entries.append(
            Entry("sensitive", list(draft.sensitive), "by the names, what people must not be treated by")
        )
        entries.append(Entry("max_unfairness", UNFAIR, "between two groups; a lawyer may say another number"))
    return Block("performance", tuple(entries), "by the labels that have come")


def _health() -> Block:
    return Block("health", (
        Entry("max_champion_age", "365d", "a year that nothing was good enough for"),
        Entry("max_data_age", "90d", "a season: how often files come is not known yet"),
        Entry("max_p95_milliseconds", 100.0, "what a person who waits does not notice"),
        Entry("max_error_share", 0.01, "that there are fewer than this, 1,000 rows without one can show"),
        Entry("skew_rows", 2000, "so many logged requests are answered again by the side that trained"),
        Entry("max_skew_share", 0.01, "so few of them may be answered otherwise"),
    ))  # fmt: skip


def _silence(draft: Draft) -> Block:
    return Block("silence", (
        Entry("data", "90d", "how often files come is not known yet: make it a little longer than that"),
        Entry("decision", "8d", "not even the schedule has led to a decision"),
        Entry("monitor", "3h", "nobody has looked at what is asked, though somebody should each hour"),
    ), "people are told when")  # fmt: skip


def _check(draft: Draft, probe: Probe | None) -> Block:
    teach = draft.split.training
    rows = int(min(max(LEAST_CHECKED, teach), MOST_CHECKED))
    of = "of those that teach," if teach >= rows else f"at most, so all {teach:,} that teach,"
    loss = 2.0 * margins(draft, probe)[0] or (gap_of(probe) / 2 if probe else 0.0)
    return Block("check", (
        Entry("rows", rows, f"{of} are what a change is tried on before it is merged"),
        Entry("max_excess_loss", outward(loss, upward=True), "what learning from a sample costs"),
    ))  # fmt: skip
