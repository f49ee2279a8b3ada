"""Is each slice of the rows answered well enough, and no worse than by the champion?"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from millrace.domain.bootstrap import Interval, draw_losses, excess_loss
from millrace.domain.config import HIGHER_IS_BETTER, GateSection, Metric, Rule
from millrace.domain.config.gate.slices import SlicesPolicy
from millrace.domain.gate.code import Code
from millrace.domain.gate.comparison import SEED, confidence_at_look, loss_on, spell_percent
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
    take_rows,
)
from millrace.domain.listing import count_things
from millrace.domain.losses import BlockLoss, metric_value, name_metric, spell_loss
from millrace.domain.rollout.measure import BoolArray
from millrace.domain.verdict import Outcome, Verdict

MAX_SLICES = 50
"""So many values of a column are judged, the commonest; one that is rarer than 49 others says little."""


@dataclass(frozen=True)
class Look:
    """One slice held to one limit. `found` is a loss, or how much more it is than the champion's.

    Its lower bound is as sure as all looks together ask for, its upper bound as one look by itself does.
    """

    group: Group
    is_harm: bool
    found: Interval
    limit: float
    own: float
    reference: float | None
    sure: float
    shown: float

    @property
    def is_missed(self) -> bool:
        return self.is_known and self.found.lower > self.limit

    @property
    def is_cleared(self) -> bool:
        return self.is_known and self.found.upper <= self.limit

    @property
    def is_known(self) -> bool:
        return all(map(math.isfinite, (self.found.mean, self.found.lower, self.found.upper)))

    @property
    def room(self) -> float:
        """How far the limit is from what was found, below zero where it is beyond: a NaN has none."""
        room = self.limit - self.found.upper
        return room if math.isfinite(room) else -math.inf


def judge_slices(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge the challenger on each slice of the recent and golden rows.

    It fails where a slice surely misses, corrected for all slices and limits (Bonferroni: a false alarm
    anywhere would be one). It passes where each slice of at least `min_share` clears by itself: for a
    wrong pass the worst of them would have to be misjudged, which more slices make no likelier. All else
    is undecided, a column of which no slice could be shown to clear too.

    References
    ----------
    Berger, "Multiparameter Hypothesis Testing and Acceptance Sampling", Technometrics 24(4), 1982.
    """
    rule = Rule.SLICES
    asked = asked_of(policy.slices, rule)
    pooled = pool_sets(evidence, rule)
    if (few := pooled_too_few(rule, pooled, policy)) is not None:
        raise few
    has_champion = evidence.champion_digest is not None
    if asked.floor is None and not has_champion:
        reason = "no champion that a slice could lose against, and no floor is given"
        return Verdict(rule, Outcome.PASS, reason, Code.NOT_ASKED)
    if asked.max_harm is not None and has_champion and pooled.champion is None:
        reason = (
            "the champion was not scored on the same rows: its task or its classes are not the challenger's"
        )
        return Verdict(rule, Outcome.INCONCLUSIVE, reason, Code.UNCOMPARABLE)
    groups = [group for entry in asked.columns for group in _groups_of(pooled, entry)]
    looks = _look(pooled, groups, asked, policy)
    return _decide(asked, [group for group, _ in groups], looks, policy)


def _groups_of(pooled: JudgedSet, entry: str) -> list[tuple[Group, BoolArray]]:
    sliced = group_rows(pooled, Rule.SLICES, entry)
    return [(group, sliced.codes == group.code) for group in list_groups(pooled, entry, sliced)]


@dataclass(frozen=True, eq=False)
class _Asked:
    group: Group
    is_harm: bool
    loss: BlockLoss
    own: float
    reference: float | None
    limit: float


def _look(
    pooled: JudgedSet, groups: list[tuple[Group, BoolArray]], asked: SlicesPolicy, policy: GateSection
) -> list[Look]:
    """Look at all slices; those with as many blocks are drawn on the same rounds."""
    blocks, places = merged_blocks(pooled), Counter[str]()
    wanted: list[_Asked] = []
    for group, rows in groups:
        places[group.column] += 1
        if places[group.column] <= MAX_SLICES and group.blocks >= asked.min_blocks:
            wanted += _ask(group, take_rows(pooled, rows, blocks), asked, policy)
    shown = confidence_at_look(policy.confidence, pooled.looks)
    sure = 1.0 - (1.0 - shown) / max(1, len(wanted))
    wanted.sort(key=lambda one: one.loss.blocks)
    looks = []
    for _, together in groupby(wanted, key=lambda one: one.loss.blocks):
        batch = list(together)
        drawn = draw_losses([one.loss for one in batch], policy.rounds, sure, SEED, MOST_ROUNDS)
        for at, one in enumerate(batch):
            surely, at_most = drawn.interval(sure, at), drawn.interval(shown, at)
            found = replace(at_most, lower=surely.lower)
            looks.append(Look(one.group, one.is_harm, found, one.limit, one.own, one.reference, sure, shown))
    return looks


def _ask(group: Group, rows: JudgedSet, asked: SlicesPolicy, policy: GateSection) -> Iterator[_Asked]:
    metric = policy.metric
    own = loss_on(rows, rows.challenger, metric, policy)
    if asked.floor is not None:
        # a figure becomes a loss as a loss becomes a figure
        yield _Asked(group, False, own, own.point, None, metric_value(metric, asked.floor))
    if asked.max_harm is not None and rows.champion is not None:
        champion = loss_on(rows, rows.champion, metric, policy)
        yield _Asked(group, True, excess_loss(own, champion), own.point, champion.point, asked.max_harm)


def _decide(asked: SlicesPolicy, groups: list[Group], looks: list[Look], policy: GateSection) -> Verdict:
    missed = sorted((one for one in looks if one.is_missed), key=lambda one: one.room)
    open_looks = [one for one in looks if not one.is_missed and not one.is_cleared]
    needed = sorted(
        (one for one in open_looks if one.group.share >= asked.min_share), key=lambda one: one.room
    )
    minor = {one.group.name: None for one in open_looks if one.group.share < asked.min_share}
    known = {one.group for one in looks}
    small = [group for group in groups if group not in known]
    too_small = [group for group in small if group.share >= asked.min_share]
    cleared = sorted((one for one in looks if one.is_cleared), key=lambda one: one.room)
    alone = _unshown(asked, looks)
    left_out = _spell_small(small, asked) + spell_left_out(
        minor, f"undecided and each below {asked.min_share:.2%} of the rows"
    )
    said = partial(_finding, looks=looks, metric=policy.metric)
    if missed:
        reason = f"{_spell(missed[0], policy.metric)}; {len(missed)} of {len(looks)} limits missed"
        return said(Outcome.FAIL, reason + left_out, Code.MISSED)
    if too_small:
        reason = (
            f"{count_things(len(too_small), 'slice')} of {asked.min_share:.2%} of the rows or more too small"
        )
        return said(Outcome.INCONCLUSIVE, reason + left_out, Code.TOO_FEW)
    if needed:
        reason = f"{_spell(needed[0], policy.metric)}; {len(needed)} of {len(looks)} limits undecided"
        return said(Outcome.INCONCLUSIVE, reason + left_out, Code.UNSURE)
    if alone:
        reason = f"slices of {', '.join(alone)} shown to clear hold less than {LEAST_SHOWN:.0%} of the rows"
        return said(Outcome.INCONCLUSIVE, reason + left_out, Code.TOO_FEW)
    reason = f"{len(cleared)} of {len(looks)} limits cleared, nearest {_spell(cleared[0], policy.metric)}"
    return said(Outcome.PASS, reason + left_out, Code.CLEARED)


def _finding(outcome: Outcome, reason: str, code: Code, *, looks: list[Look], metric: Metric) -> Finding:
    ordered = sorted(looks, key=lambda one: (one.room, one.group.name))
    return Finding(Rule.SLICES, outcome, reason, code, bars=tuple(_bar(one, metric) for one in ordered))


def _bar(look: Look, metric: Metric) -> Bar:
    found, name = look.found, f"{look.group.name}: {name_metric(metric)}"
    if look.is_harm:
        return Bar(f"{name} lost against the champion", found.mean, found.lower, found.upper, look.limit)
    value, low, high, limit = (
        metric_value(metric, loss) for loss in (found.mean, found.lower, found.upper, look.limit)
    )
    is_score = metric in HIGHER_IS_BETTER
    low, high = (high, low) if is_score else (low, high)
    return Bar(name, value, low, high, limit, is_floor=is_score)


def _spell(look: Look, metric: Metric) -> str:
    if not math.isfinite(look.own):
        return f"{look.group.name} has no {name_metric(metric)}: are there rows of each class?"
    own, found = f"{look.group.name} {spell_loss(metric, look.own)}", look.found
    if look.is_missed:
        bound, confidence, side = found.lower, look.sure, "at most" if look.is_harm else "at least"
    else:
        bound, confidence, side = found.upper, look.shown, "at least" if look.is_harm else "at most"
    if look.reference is not None:
        reference = spell_loss(metric, look.reference).rsplit(" ", 1)[1]
        gain = f"gain {0.0 - found.mean:.3g} ({spell_percent(confidence)} {side} {0.0 - bound:.3g})"
        return f"{own} against {reference}, {gain}, needed at least {0.0 - look.limit:g}"
    is_score = metric in HIGHER_IS_BETTER
    side = side if not is_score else {"at most": "at least", "at least": "at most"}[side]
    sure = f"({spell_percent(confidence)} {side} {metric_value(metric, bound):.3g})"
    return f"{own} {sure}, needed at {'least' if is_score else 'most'} {metric_value(metric, look.limit):g}"


def _unshown(asked: SlicesPolicy, looks: list[Look]) -> list[str]:
    """Name the columns of which too little could be shown to clear each of the limits."""
    shown = defaultdict[tuple[str, bool], float](float)
    for one in looks:
        shown[one.group.column, one.is_harm] += one.group.share if one.is_cleared else 0.0
    kinds = {one.is_harm for one in looks} or {False}
    return [column for column in asked.columns if min(shown[column, kind] for kind in kinds) < LEAST_SHOWN]


def _spell_small(groups: list[Group], asked: SlicesPolicy) -> str:
    few = largest_first(one for one in groups if one.blocks < asked.min_blocks)
    crowded = [one.name for one in groups if one.blocks >= asked.min_blocks]
    sizes = [f"{one.name} ({one.rows} rows in {one.blocks} blocks)" for one in few]
    told = spell_left_out(sizes, f"{asked.min_blocks} blocks needed")
    return told + spell_left_out(crowded, f"beyond the {MAX_SLICES} largest of a column")
