"""Is more lost than at the gate, on all rows and on each slice of them?"""

import math
from collections.abc import Iterator

from millrace.domain.bootstrap import loss_interval
from millrace.domain.losses import block_loss
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.findings import GroupLoss, Watched
from millrace.domain.monitoring.stretches import MIN_STRETCHES, find_stretches
from millrace.domain.monitoring.yardstick import Yardstick, excess_bounds, level_of
from millrace.domain.verdict import Outcome, Verdict

ALL = "all"
SEED = 0


def measure_group(name: str, labelled: AnsweredRows, yardstick: Yardstick, confidence: float) -> GroupLoss:
    """Measure the loss on labelled rows, with one-sided bounds, each at `confidence`.

    There is no loss below `min_labels`, nor where it is undefined, and there are no bounds where the rows
    are of too few moments.
    """
    labels = len(labelled)
    if labels < max(1, yardstick.policy.min_labels):
        return GroupLoss(name, labels, None, None, None)
    stretches = find_stretches(labelled.at, yardstick.block)
    blocks = labelled.at if stretches is None else stretches
    loss = block_loss(yardstick.metric, labelled.labels, labelled.answers, blocks)
    if not math.isfinite(loss.point):
        return GroupLoss(name, labels, None, None, None)
    if stretches is None:
        return GroupLoss(name, labels, loss.point, None, None)
    found = loss_interval(loss, yardstick.rounds, confidence, SEED)
    if not (math.isfinite(found.lower) and math.isfinite(found.upper)):
        return GroupLoss(name, labels, found.mean, None, None)
    return GroupLoss(name, labels, found.mean, found.lower, found.upper)


def measure_slices(labelled: AnsweredRows, yardstick: Yardstick) -> tuple[GroupLoss, ...]:
    """Measure every value of every slice, corrected for how many have labels enough (Bonferroni)."""
    slices = list(_list_slices(labelled, yardstick.policy.slices))
    least = yardstick.policy.min_labels
    known = sum(len(rows) >= least for _, rows in slices)
    confidence = 1.0 - (1.0 - yardstick.policy.confidence) / max(1, known)
    return tuple(measure_group(name, rows, yardstick, confidence) for name, rows in slices)


def judge_performance(found: GroupLoss, yardstick: Yardstick) -> Verdict:
    """Judge the loss on all labelled rows against the level at the gate.

    It fails when the loss surely exceeds the level by more than `max_excess_loss`, and passes when it surely
    does not: see `excess_bounds`.
    """
    outcome, reason = _judge_group(found, yardstick)
    return Verdict(Watched.PERFORMANCE, outcome, reason)


def judge_slices(found: tuple[GroupLoss, ...], yardstick: Yardstick) -> Verdict:
    """Judge every slice by itself; the verdict names the worst of them.

    A slice is held to its own level at the gate, for some are harder than others; to that of all rows where
    its own is not known. One with too few labels is counted and decides nothing.
    """
    least = yardstick.policy.min_labels
    known = [one for one in found if one.labels >= least]
    if not known:
        return Verdict(Watched.SLICES, Outcome.INCONCLUSIVE, f"none of {len(found)} has {least} labels")
    verdicts = [(one.name, *_judge_group(one, yardstick)) for one in known]
    few = f", {len(found) - len(known)} with too few labels" if len(found) > len(known) else ""
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        mine = [(one, reason) for (_, of, reason), one in zip(verdicts, known, strict=True) if of is outcome]
        if mine:
            worst, reason = max(mine, key=lambda pair: _excess(pair[0], yardstick))
            return Verdict(
                Watched.SLICES, outcome, f"{len(mine)} of {len(known)}, worst {worst.name}: {reason}{few}"
            )
    return Verdict(Watched.SLICES, Outcome.PASS, f"each of {len(known)} is as good as it was{few}")


def _judge_group(found: GroupLoss, yardstick: Yardstick) -> tuple[Outcome, str]:
    least = max(1, yardstick.policy.min_labels)
    if found.labels < least:
        return Outcome.INCONCLUSIVE, f"{found.labels} labels of {least} needed"
    known = yardstick.known_level
    if isinstance(known, str):
        return Outcome.INCONCLUSIVE, known
    if found.loss is None:
        return Outcome.INCONCLUSIVE, f"{yardstick.metric} is undefined on {found.labels} labels as they are"
    if found.lower is None or found.upper is None:
        told = f"{yardstick.spell(found.loss)} on {found.labels} labels"
        return Outcome.INCONCLUSIVE, f"{told}, without bounds: fewer than {MIN_STRETCHES} moments tell them"
    level, allowed = level_of(known, found.name), yardstick.policy.max_excess_loss
    lower, upper = excess_bounds(
        found.loss, (found.lower, found.upper), level.loss, (level.lower, level.upper)
    )
    outcome = Outcome.INCONCLUSIVE
    if lower > allowed:
        outcome = Outcome.FAIL
    elif upper <= allowed:
        outcome = Outcome.PASS
    return outcome, (
        f"{yardstick.spell(found.loss)} on {found.labels} labels, {yardstick.spell(level.loss)} at the gate: "
        f"{found.loss - level.loss:+.3g} lost ({lower:+.3g} to {upper:+.3g}), {allowed:g} allowed"
    )


def _excess(found: GroupLoss, yardstick: Yardstick) -> float:
    if found.loss is None or yardstick.level is None:
        return -math.inf
    return found.loss - level_of(yardstick.level, found.name).loss


def _list_slices(labelled: AnsweredRows, columns: tuple[str, ...]) -> Iterator[tuple[str, AnsweredRows]]:
    for column in columns:
        sliced = labelled.slices[column]
        for code, name in enumerate(sliced.names):
            chosen = sliced.codes == code
            if chosen.any():
                yield f"{column}={name}", labelled.take(chosen)
