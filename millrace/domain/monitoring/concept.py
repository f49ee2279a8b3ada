"""Is more lost on the same answers than at the gate, and since when?"""

from datetime import UTC, datetime, timedelta

import numpy as np

from millrace.domain.bootstrap import loss_interval
from millrace.domain.calibration import told_and_actual
from millrace.domain.facts import Level
from millrace.domain.kinds import Task
from millrace.domain.level import tenth_of
from millrace.domain.losses import FloatArray, MeanBlockLoss
from millrace.domain.monitoring.answered import AnsweredRows, MicrosArray
from millrace.domain.monitoring.attempt import unknown
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.stretches import MIN_STRETCHES, find_stretches
from millrace.domain.monitoring.yardstick import Yardstick, excess_bounds
from millrace.domain.rollout.measure import LOSS_METRICS
from millrace.domain.row_losses import row_losses
from millrace.domain.verdict import Outcome, Verdict

MAX_ROWS = 100_000
"""The newest labelled rows that the detector sees, one after another."""
DELTA = 0.002
"""The chance of a false change that ADWIN allows itself: its authors' choice, and river's."""
TYPICAL = 0.99
"""ADWIN's bounds are for numbers of about one: so large is what this share of the excesses stays below."""
SEED = 0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judge_concept(labelled: AnsweredRows, yardstick: Yardstick) -> Verdict:
    """Judge whether the same answers have become worse ones.

    Each row's loss is compared with the mean loss that rows of its tenth of answers had at the gate, so that
    other inputs alone, which the model answers otherwise, change nothing. ADWIN looks for the newest change
    of that excess; what came after it was noticed is judged, or the whole window where there is none. Allowed
    is the part of the gate's row loss that `max_excess_loss` is of its loss.

    References
    ----------
    Bifet, Gavaldà, *Learning from Time-Changing Data with Adaptive Windowing* (SIAM International
    Conference on Data Mining, 2007): no assumption on how fast, and a bound on false changes.
    """
    level, least = yardstick.known_level, max(1, yardstick.policy.min_labels)
    if len(labelled) < least:
        return unknown(Watched.CONCEPT, f"{len(labelled)} labels of {least} needed")
    if isinstance(level, str):
        return unknown(Watched.CONCEPT, level)
    if not level.tenths:
        return unknown(Watched.CONCEPT, "this version was judged before the gate kept a table of its answers")
    newest = np.argsort(labelled.at, kind="stable")[-MAX_ROWS:]
    at, excess = labelled.at[newest], excess_losses(labelled, yardstick.task, level)[newest]
    begin = find_change(excess)
    since = "" if begin == 0 else f" since {_moment(at[begin - 1]):%Y-%m-%d %H:%M:%S} UTC"
    after = at.size - begin
    if after < least:
        return unknown(Watched.CONCEPT, f"a change{since}, {after} labels of {least} needed after it")
    return _judge_after(at[begin:], excess[begin:], since, yardstick, level)


def excess_losses(labelled: AnsweredRows, task: Task, level: Level) -> FloatArray:
    """Return how much more each row lost than rows of its tenth of answers did at the gate."""
    told, _ = told_and_actual(labelled.answers, labelled.labels, task)
    usual = np.array([one.mean_loss for one in level.tenths])[tenth_of(told, level.tenths)]
    excess: FloatArray = row_losses(LOSS_METRICS[task], labelled.labels, labelled.answers) - usual
    return excess


def find_change(excess: FloatArray) -> int:
    """Return the position by which the newest change of the mean was noticed, 0 where there was none.

    The unit of the losses makes no difference. A change began before: what ADWIN believes to be after it may
    hold many rows from before, and is forgotten by river too.
    """
    from river.drift import ADWIN

    detector, begin = ADWIN(delta=DELTA), 0  # type: ignore[no-untyped-call]
    for position, value in enumerate(_scaled(excess).tolist()):
        detector.update(value)  # type: ignore[no-untyped-call]
        if detector.drift_detected:
            begin = position + 1
    return begin


def _scaled(excess: FloatArray) -> FloatArray:
    sizes = np.abs(excess)
    scale = float(np.quantile(sizes, TYPICAL)) or float(sizes.max())
    return np.clip(excess / scale, -1.0, 1.0) if scale else np.zeros_like(excess)


def _judge_after(
    at: MicrosArray, excess: FloatArray, since: str, yardstick: Yardstick, level: Level
) -> Verdict:
    stretches = find_stretches(at, yardstick.block)
    if stretches is None:
        return unknown(Watched.CONCEPT, f"labels of fewer than {MIN_STRETCHES} moments tell no bounds{since}")
    positions = np.unique(stretches, return_inverse=True)[1]
    sums, counts = np.bincount(positions, weights=excess), np.bincount(positions)
    loss = MeanBlockLoss(sums.astype(np.float64), counts.astype(np.float64), root=False)
    found = loss_interval(loss, yardstick.rounds, yardstick.policy.confidence, SEED)
    doubt = level.row_loss_doubt or 0.0
    lower, upper = excess_bounds(found.mean, (found.lower, found.upper), 0.0, (-doubt, doubt))
    allowed = _allowed(level, yardstick.policy.max_excess_loss)
    outcome = Outcome.INCONCLUSIVE
    if lower > allowed:
        outcome = Outcome.FAIL
    elif upper <= allowed:
        outcome = Outcome.PASS
    reason = (
        f"row loss {found.mean:+.3g} ({lower:+.3g} to {upper:+.3g}) to that of the same answers "
        f"at the gate, on {at.size} labels{since}, {allowed:.3g} allowed"
    )
    return Verdict(Watched.CONCEPT, outcome, reason)


def _allowed(level: Level, max_excess_loss: float) -> float:
    rows = sum(one.rows for one in level.tenths)
    usual = sum(one.rows * one.mean_loss for one in level.tenths) / rows
    return usual * max_excess_loss / level.loss if level.loss else 0.0


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros))
