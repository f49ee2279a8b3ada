"""How is a challenger made, which rows judge it, and which bar must it clear, by the size of the data?"""

from millrace.domain.config import HIGHER_IS_BETTER, USUAL_METRIC, Comparison
from millrace.domain.kinds import Task
from millrace.domain.losses import metric_value
from millrace.domain.proposal.findings import Block, Doubt, Draft, Entry, Probe
from millrace.domain.proposal.scale import outward, round_up, two_digits

METRIC_OF = USUAL_METRIC
WHY_METRIC = {
    Task.BINARY: "the order of the answers; the share of positive rows moves by itself",
    Task.MULTICLASS: "probabilities of all classes are judged, not the first place alone",
    Task.REGRESSION: "read in units of the target; one outlier does not decide",
}
MANY_JUDGED = 5000
"""So many judged rows can show a gain that is worth a change; fewer can only show harm."""

HALF = 0.5
SEEN = 2.0
"""A margin of twice what chance does lets nearly every version pass that is as good."""

LINEAR, BOOSTING = "linear", "hist_gradient_boosting"
SEED = 7
_UNPROBED = Probe(0, BOOSTING, {BOOSTING: 0.0}, 0.0, 0.1, 0.1, 0.1, 0.0, 0.0, "nothing was fitted yet")


def bar_blocks(draft: Draft, probe: Probe | None) -> tuple[tuple[Block, ...], tuple[Doubt, ...]]:
    """Return [training], [golden], [recent], [gate] and [gate.floors], and what may be otherwise."""
    seen = probe or _UNPROBED
    training = Block("training", _training(seen))
    gate, doubts = _gate(draft, seen)
    return (training, _golden(draft), _recent(draft), gate, _floors(draft, seen)), doubts


def _training(probe: Probe) -> tuple[Entry, ...]:
    entries = (
        Entry("estimator", probe.estimator, probe.why),
        Entry("seed", SEED, "any number: the same one gives the same model"),
    )
    if not probe.parameters:
        return entries
    why = "clearly better out of fold than the estimator's own"
    return (*entries, Entry("parameters", dict(probe.parameters), why))


def gap_of(probe: Probe) -> float:
    """By how much the estimator is better than one answer for every row; 0 where it is not."""
    return max(0.0, probe.constant - probe.level)


def margins(draft: Draft, probe: Probe | None) -> tuple[float, float, float]:
    """Return the margins on recent, on golden and against the baseline, in units of the metric.

    Each is about twice what chance does, and never more than half of what a model is worth at all.
    """
    seen = probe or _UNPROBED
    most = HALF * gap_of(seen) if gap_of(seen) > 0 else SEEN * seen.noise
    wanted = (
        SEEN * seen.noise,
        SEEN * seen.golden_noise,
        SEEN * seen.baseline_noise + max(0.0, seen.baseline_excess),
    )
    first, second, third = (outward(min(one, most), upward=False) if most else 0.0 for one in wanted)
    return first, second, third


def _golden(draft: Draft) -> Block:
    split = draft.split
    why = f"about {split.golden:,} rows in {split.golden_blocks} blocks, never learned from"
    entries = [Entry("share", split.golden_share, why)]
    if split.until is not None:
        entries.append(Entry("until", split.until, "golden blocks lie before it, and stay what they are"))
    return Block("golden", tuple(entries))


def _recent(draft: Draft) -> Block:
    split = draft.split
    left = f"about {split.recent:,} rows in {split.recent_blocks} blocks judge, {split.training:,} rows teach"
    entries = [Entry("share", split.recent_share, left)]
    if split.window is not None:
        entries.append(
            Entry("window", split.window, "of the newest days; what is not judged there is learned from")
        )
    return Block("recent", tuple(entries))


def has_many(draft: Draft) -> bool:
    """Say whether there are rows enough to judge by that more can be shown than harm."""
    return draft.split.recent >= MANY_JUDGED and draft.split.recent_blocks >= 2 * draft.split.min_blocks


def _gate(draft: Draft, probe: Probe) -> tuple[Block, tuple[Doubt, ...]]:
    split, task = draft.split, draft.target.task
    margin, golden_margin, baseline_margin = margins(draft, probe)
    many = has_many(draft)
    comparison = Comparison.SUPERIOR if many else Comparison.NON_INFERIOR
    seen = f"{split.recent:,} rows: differences below {two_digits(max(probe.noise, 1e-6)):g} cannot be seen"
    is_cut = 0.0 < HALF * gap_of(probe) < SEEN * probe.noise
    told = (
        f"half of what a model is worth beside one answer for all; {seen}"
        if is_cut
        else f"twice what is seen; {seen}"
    )
    why = (
        "so many judged rows can show a gain"
        if many
        else "a small gain cannot be shown on so few rows, harm can"
    )
    entries = (
        Entry("metric", METRIC_OF[task].value, WHY_METRIC[task]),
        Entry("comparison", comparison.value, why),
        Entry("margin", 0.0 if many else margin, f"a gain of any size, surely ({seen})" if many else told),
        Entry("golden_margin", golden_margin, f"{split.golden:,} golden rows; below the best champion ever"),
        Entry("baseline_margin", baseline_margin, _why_baseline(probe)),
        Entry("confidence", 0.95, "one in twenty as good as each other may be told apart, over all looks"),
        Entry("rounds", 2000, "of the bootstrap: more change the third digit of an interval"),
        Entry("min_blocks", split.min_blocks, "below it, an interval over blocks is not to be trusted"),
        Entry("max_looks", 50, "then the golden rows are worn out and have to be renewed"),
        Entry("agreement_tolerance", _tolerance(draft), "float32 against float64"),
        Entry(
            "max_disagreeing_share", _disagreeing(draft), "rounding can move a row across a split of a tree"
        ),
    )
    return Block("gate", entries), _gate_doubts(draft, probe)


def _why_baseline(probe: Probe) -> str:
    if probe.estimator == LINEAR:
        return "the estimator is the baseline itself"
    by_chance = two_digits(max(probe.baseline_noise, 1e-6))
    return f"trees may lose so little to the linear model by chance: {by_chance:g}"


def _gate_doubts(draft: Draft, probe: Probe) -> tuple[Doubt, ...]:
    if not probe.rows:
        return ()
    gap, split = gap_of(probe), draft.split
    if gap <= probe.sample_noise:
        what = f"on {probe.rows:,} rows no model was surely better than one answer for all"
        return (Doubt(f"{what}: the gate will refuse such a one", "gate.floors, or better columns"),)
    if SEEN * probe.noise > HALF * gap:
        seen, worth = two_digits(probe.noise), two_digits(gap)
        what = f"{split.recent:,} judged rows see differences of {seen:g}, a model is worth {worth:g}"
        return (Doubt(f"{what}: the gate will often be undecided", "gate.margin, or more rows"),)
    return ()


def _tolerance(draft: Draft) -> float:
    if draft.target.task is not Task.REGRESSION:
        return 1e-4
    column = draft.scan.column(draft.target.column)
    largest = max(abs(column.low or 0.0), abs(column.high or 0.0), 1e-9)
    return round_up(1e-4 * largest)


def _disagreeing(draft: Draft) -> float:
    return 0.01 if draft.split.golden >= 200 else 0.05  # noqa: PLR2004 (one row of twenty)


def _floors(draft: Draft, probe: Probe) -> Block:
    metric = METRIC_OF[draft.target.task]
    half = metric_value(metric, (probe.constant + min(probe.level, probe.constant)) / 2.0)
    found, constant = metric_value(metric, probe.level), metric_value(metric, probe.constant)
    why = f"halfway between one answer for all ({constant:.3g}) and what a sample reached ({found:.3g})"
    is_error = metric not in HIGHER_IS_BETTER
    return Block("gate.floors", (Entry(metric.value, outward(half, upward=is_error), why),),
        "an error: the number is a ceiling" if is_error else None)  # fmt: skip
