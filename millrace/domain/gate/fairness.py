"""Are the groups of people treated alike by the challenger?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from millrace.domain.config import GateSection, Rule
from millrace.domain.config.gate.fairness import FairnessPolicy
from millrace.domain.fairness import Asked, Gap, measure_gaps
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import confidence_at_look, spell_percent
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.groups import (
    LEAST_SHOWN,
    MOST_ROUNDS,
    Group,
    group_rows,
    largest_first,
    list_groups,
    merged_blocks,
    pool_sets,
    pooled_too_few,
    spell_left_out,
)
from millrace.domain.group_measures import (
    ERRORS,
    FALSE_ALARMS,
    IMPACT,
    MISTAKES,
    OPPORTUNITY,
    PARITY,
    GroupedRows,
    Measure,
    list_measures,
)
from millrace.domain.kinds import Task
from millrace.domain.listing import count_things
from millrace.domain.metric_terms import HALF
from millrace.domain.verdict import Outcome, Verdict

MEASURES = {
    "max_parity_difference": (PARITY,),
    "min_impact_ratio": (IMPACT,),
    "max_opportunity_difference": (OPPORTUNITY,),
    "max_odds_difference": (OPPORTUNITY, FALSE_ALARMS),
    "max_error_difference": (MISTAKES, ERRORS),
}
"""What each limit is a limit of; of the last two each task has one."""

MAX_COMPARED = 20
"""So many groups of a column, or of two, are compared pair by pair, the largest: that is 190 pairs."""


@dataclass(frozen=True)
class Held:
    """A gap of a column, and the strictest limit that it is held to."""

    gap: Gap
    limit: float

    @property
    def is_missed(self) -> bool:
        return self.gap.upper < self.limit if self.gap.is_ratio else self.gap.lower > self.limit

    @property
    def is_cleared(self) -> bool:
        return self.gap.lower >= self.limit if self.gap.is_ratio else self.gap.upper <= self.limit

    @property
    def room(self) -> float:
        """How far the limit is from the bound that has to keep it, below zero where that is beyond."""
        if self.gap.is_ratio:
            return self.gap.lower - self.limit
        return self.limit - self.gap.upper


@dataclass(frozen=True)
class Found:
    """All that was compared, and the groups that could not be, with why."""

    held: tuple[Held, ...]
    small: tuple[Group, ...]
    crowded: tuple[Group, ...]
    minor: tuple[str, ...]
    alone: tuple[str, ...]
    sure: float
    shown: float

    def left_out(self, share: float) -> list[str]:
        """Name the groups of this share of the rows or more that were not compared in some measure."""
        large = (group.name for group in (*self.small, *self.crowded) if group.share >= share)
        return list(dict.fromkeys(large))


def judge_fairness(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge how far the groups of each sensitive column are apart on the recent and golden rows.

    It fails where a gap is surely beyond its limit, corrected for all pairs of groups, measures and columns
    (Bonferroni). It passes where every gap between groups of at least `min_share` of the rows is shown to be
    within by itself: for a wrong pass the widest would have to be misjudged. All else is undecided.

    References
    ----------
    The measures: Barocas, Hardt, Narayanan, *Fairness and Machine Learning* (2023), chapter 3. The ratio of
    four fifths: US Uniform Guidelines on Employee Selection Procedures (1978), section 4D.
    """
    rule = Rule.FAIRNESS
    asked = asked_of(policy.fairness, rule)
    pooled = pool_sets(evidence, rule)
    if (few := pooled_too_few(rule, pooled, policy)) is not None:
        raise few
    return _decide(asked, _measure(pooled, asked, policy))


def _measure(pooled: JudgedSet, asked: FairnessPolicy, policy: GateSection) -> Found:
    limits = _limits_by_measure(asked)
    shown = confidence_at_look(policy.confidence, pooled.looks)
    compared: list[Asked] = []
    small: dict[Group, None] = {}
    crowded: dict[Group, None] = {}
    minor: dict[str, None] = {}
    alone = []
    for entry in asked.columns:
        rows = _grouped(pooled, entry, asked)
        for measure in (one for one in list_measures(rows) if one.name in limits):
            large, few = _split_groups(pooled, entry, rows, measure, asked.min_rows, policy.min_blocks)
            small |= dict.fromkeys(few)
            crowded |= dict.fromkeys(large[MAX_COMPARED:])
            kept = large[:MAX_COMPARED]
            rare = {group.code: group.name for group in kept if group.share < asked.min_share}
            minor |= dict.fromkeys(rare.values())
            needed = [group.share for group in kept if group.code not in rare]
            if len(needed) > 1 and sum(needed) >= LEAST_SHOWN:
                compared.append(Asked(entry, rows, measure, tuple(group.code for group in kept), tuple(rare)))
            else:
                alone.append(f"{entry} ({measure.name})")
    pairs = sum(math.comb(len(one.groups), 2) for one in compared)
    sure = 1.0 - (1.0 - shown) / max(1, 2 * pairs)
    gaps = measure_gaps(compared, sure, shown, policy.rounds, MOST_ROUNDS)
    held = tuple(Held(gap, limits[gap.measure]) for gap in gaps)
    return Found(held, tuple(small), tuple(crowded), tuple(minor), tuple(alone), sure, shown)


def _limits_by_measure(asked: FairnessPolicy) -> dict[str, float]:
    """Return the strictest limit of each measure: differences have ceilings, and the ratio one floor."""
    found: dict[str, float] = {}
    for name, limit in asked.limits.items():
        for measure in MEASURES[name]:
            found[measure] = min(limit, found.get(measure, limit))
    return found


def _grouped(pooled: JudgedSet, entry: str, asked: FairnessPolicy) -> GroupedRows:
    answers, threshold = pooled.challenger, pooled.thresholds.get("challenger", HALF)
    is_error = asked.max_error_difference is not None
    task = Task.MULTICLASS if answers.ndim > 1 else Task.REGRESSION if is_error else Task.BINARY
    return GroupedRows(
        task=task,
        answers=answers,
        labels=pooled.labels,
        blocks=merged_blocks(pooled),
        groups=group_rows(pooled, Rule.FAIRNESS, entry),
        threshold=threshold,
    )


def _split_groups(
    pooled: JudgedSet, entry: str, rows: GroupedRows, measure: Measure, min_rows: int, min_blocks: int
) -> tuple[list[Group], list[Group]]:
    groups = list_groups(pooled, entry, rows.groups, measure.is_counted)
    is_large = [group.rows >= min_rows and group.blocks >= min_blocks for group in groups]
    large = [group for group, kept in zip(groups, is_large, strict=True) if kept]
    return large, [group for group, kept in zip(groups, is_large, strict=True) if not kept]


def _decide(asked: FairnessPolicy, found: Found) -> Verdict:
    ordered = sorted(found.held, key=lambda one: (one.room, one.gap.column))
    missed = [one for one in ordered if one.is_missed]
    undecided = [one for one in ordered if not one.is_missed and not one.is_cleared]
    told = _spell_left_out(asked, found)
    bars = tuple(_bar(one) for one in ordered)
    if missed:
        outcome, code = Outcome.FAIL, Code.MISSED
        reason = f"{_spell(missed[0], found)}; {len(missed)} of {len(ordered)} limits missed"
    elif left := found.left_out(asked.min_share):
        outcome, code = Outcome.INCONCLUSIVE, Code.TOO_FEW
        reason = (
            f"{count_things(len(left), 'group')} of {asked.min_share:.2%} of the rows or more not compared"
        )
    elif found.alone:
        outcome, code = Outcome.INCONCLUSIVE, Code.TOO_FEW
        large = f"groups of {asked.min_share:.2%} of the rows or more"
        reason = (
            f"no two {large}, or less than {LEAST_SHOWN:.0%} of the rows in them: {', '.join(found.alone)}"
        )
    elif undecided:
        outcome, code = Outcome.INCONCLUSIVE, Code.UNSURE
        reason = f"{_spell(undecided[0], found)}; {len(undecided)} of {len(ordered)} limits undecided"
    else:
        outcome, code = Outcome.PASS, Code.CLEARED
        reason = f"{len(ordered)} of {len(ordered)} limits kept, nearest {_spell(ordered[0], found)}"
    return Finding(Rule.FAIRNESS, outcome, reason + told, code, bars=bars)


def _spell_left_out(asked: FairnessPolicy, found: Found) -> str:
    small = spell_left_out(_sizes(found.small), f"{asked.min_rows} rows that count needed")
    crowded = spell_left_out(_sizes(found.crowded), f"beyond the {MAX_COMPARED} largest groups")
    minor = spell_left_out(found.minor, f"as only a sure gap counts below {asked.min_share:.2%} of the rows")
    return small + crowded + minor


def _sizes(groups: Iterable[Group]) -> list[str]:
    smallest: dict[str, Group] = {}
    for group in groups:
        known = smallest.get(group.name)
        smallest[group.name] = group if known is None or group.rows < known.rows else known
    return [
        f"{one.name} ({one.rows} rows in {one.blocks} blocks)" for one in largest_first(smallest.values())
    ]


def _spell(held: Held, found: Found) -> str:
    gap, ratio = held.gap, held.gap.is_ratio
    what = (
        f"{gap.measure} is {gap.difference:.3g}"
        if ratio
        else f"{gap.measure} differs by {gap.difference:.3g}"
    )
    confidence, is_upper = (found.sure, ratio) if held.is_missed else (found.shown, not ratio)
    bound = f"at most {gap.upper:.3g}" if is_upper else f"at least {gap.lower:.3g}"
    allowed = f"needed at {'least' if ratio else 'most'} {held.limit:g}"
    between = f"between {gap.most} and {gap.least}"
    return f"{what} ({spell_percent(confidence)} {bound}) {between}, {allowed}"


def _bar(held: Held) -> Bar:
    gap = held.gap
    name = f"{gap.column}: {gap.measure}, {gap.most} and {gap.least}"
    return Bar(name, gap.difference, gap.lower, gap.upper, held.limit, is_floor=gap.is_ratio)
