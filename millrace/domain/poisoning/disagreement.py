"""Do the labels of a batch contradict two opinions of them more than those of accepted batches do?"""

from collections.abc import Mapping, Sequence

from millrace.domain.config.poisoning import DisagreementCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.chart import (
    Reading,
    excess_of,
    learn_usual,
    limit_of,
    read_share,
    share_on_scale,
)
from millrace.domain.poisoning.judged import Judged
from millrace.domain.poisoning.profile import BatchProfile, Disagreement, Opinion

Scope = tuple[Opinion, str | None, str | None]

TOLD = {Opinion.CHAMPION: "champion", Opinion.BATCH: "rest of the batch"}


def judge_disagreement(
    profile: BatchProfile,
    history: Sequence[BatchProfile],
    policy: DisagreementCheck,
    examples: Mapping[Scope, tuple[str, ...]],
) -> Judged:
    """Compare the share of contradicted labels, over all rows and in each slice, with accepted batches.

    A slice is read against the other slices of its own batch: a storm, which makes all of them hard to tell,
    is no news about one. `policy.false_alarms` is shared among all that is compared. `examples` are
    contradicted rows to show.
    """
    found = {scope_of(one): one for one in profile.disagreements if one.opinion in policy.deciding}
    if not found:
        return Judged(unjudged=("disagreement: no labels could be compared with an opinion",))
    readings = {scope: reading for scope in found if (reading := read_scope(profile, scope))}
    silent = [scope for scope in found if scope not in readings]
    judged = Judged(unjudged=tuple(f"{name_scope(scope)}: no rows to compare" for scope in silent))
    for scope, reading in readings.items():
        past = [other for one in history if (other := read_scope(one, scope))][-policy.last_batches :]
        if len(past) < policy.min_batches:
            judged += Judged(unjudged=(f"{name_scope(scope)}: {len(past)} of {policy.min_batches} batches",))
            continue
        shown = examples.get(scope, ())
        judged += _judge(found[scope], shown, reading, past, policy.false_alarms / len(readings))
    return judged


def read_scope(profile: BatchProfile, scope: Scope) -> Reading | None:
    """Read the share of contradicted labels; that of a slice against the other slices of the column."""
    opinion, column, value = scope
    same = [one for one in profile.disagreements if (one.opinion, one.column) == (opinion, column)]
    mine = [one for one in same if one.value == value]
    if not mine or mine[0].rows == 0:
        return None
    reading = read_share(mine[0].disagreeing, mine[0].rows)
    if column is None:
        return reading
    others = [one for one in same if one.value != value]
    rows = sum(one.rows for one in others)
    if rows == 0:
        return None
    rest = read_share(sum(one.disagreeing for one in others), rows)
    return Reading(reading.value - rest.value, reading.variance + rest.variance)


def scope_of(one: Disagreement) -> Scope:
    """Return what a count is of."""
    return one.opinion, one.column, one.value


def name_scope(scope: Scope) -> str:
    """Name it for people."""
    opinion, column, value = scope
    where = f" where {column} is {value}" if column else ""
    return f"labels against the {TOLD[opinion]}{where}"


def _judge(
    one: Disagreement, examples: tuple[str, ...], reading: Reading, past: Sequence[Reading], chance: float
) -> Judged:
    usual, about = learn_usual(past), name_scope(scope_of(one))
    excess, limit = excess_of(reading, usual), limit_of(len(past), chance)
    if excess <= limit:
        return Judged()
    usually = (
        f"usually {share_on_scale(usual.centre):.1%}"
        if one.column is None
        else "against what its other slices have"
    )
    message = (
        f"{about}: {one.disagreeing:,} of the {one.rows:,} it is surest of have another one, "
        f"{one.disagreeing / one.rows:.1%}, {usually}; {excess:.1f} standard deviations over "
        f"{len(past)} batches, {limit:.1f} are allowed"
    )
    return Judged((Violation("disagreement", one.column, one.disagreeing, message, examples, about=about),))
