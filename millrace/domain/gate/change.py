"""Does a change, tried on a sample of the rows, lose more than the champion by more than is allowed?"""

import math
from dataclasses import dataclass, replace

from millrace.domain.config import FOLLOWED_BY, CheckSection, GateSection, Metric
from millrace.domain.gate.comparison import Measured, judge_non_inferior, measure, too_few_blocks
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.kinds import Task
from millrace.domain.losses import metric_value
from millrace.domain.verdict import Outcome, Verdict
from millrace.errors import MillraceError

RULE = "change"


@dataclass(frozen=True)
class Difference:
    """One metric of champion and change, as people read it.

    `gain` is above zero where the change is better, whatever the metric; it is at least and
    at most that much, each bound at the gate's confidence. None where it is undefined.
    """

    metric: Metric
    champion: float | None
    changed: float | None
    gain: float | None
    at_least: float | None
    at_most: float | None


def judge_change(recent: JudgedSet, policy: GateSection, limit: CheckSection) -> Verdict:
    """Judge the changed model against the champion on the recent set.

    It passes when it surely loses no more than `max_excess_loss`, fails when it surely loses
    more, and all else, a champion that is not there too, is inconclusive. Golden is left
    alone: looks at it are counted, and a check leaves no record.

    Parameters
    ----------
    recent
        The rows of blocks that neither has learned from; its challenger is the changed model.
    policy
        The gate's metric, confidence, rounds and least number of blocks.
    """
    if recent.champion is None:
        return Verdict(
            RULE, Outcome.INCONCLUSIVE, "there is no champion of this task and these classes to compare with"
        )
    if (few := too_few_blocks(RULE, recent, policy)) is not None:
        why = "judged blocks that neither the champion nor the sample has learned from"
        advice = "bring newer rows, or raise share or window of [recent] in model.toml"
        return Verdict(RULE, few.outcome, f"{few.reason}: {why}; {advice}")
    try:
        measured = measure(recent, recent.champion, policy.confidence, policy)
    except (MillraceError, ArithmeticError, ValueError, IndexError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Verdict(RULE, Outcome.INCONCLUSIVE, reason)
    verdict = judge_non_inferior(RULE, measured, limit.max_excess_loss)
    if verdict.outcome is not Outcome.INCONCLUSIVE:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; try more --rows, or the gate with a full training")


def list_differences(recent: JudgedSet, policy: GateSection, task: Task) -> tuple[Difference, ...]:
    """Measure the gate's metric on the recent set, those of its floors, and the others of the task."""
    ordered = dict.fromkeys((policy.metric, *policy.floors, *FOLLOWED_BY[task]))
    return tuple(_difference(recent, policy.model_copy(update={"metric": metric})) for metric in ordered)


def _difference(recent: JudgedSet, policy: GateSection) -> Difference:
    undefined = Difference(policy.metric, None, None, None, None, None)
    if recent.champion is None:
        return undefined
    try:
        measured = measure(recent, recent.champion, policy.confidence, policy)
    except (MillraceError, ArithmeticError, ValueError, IndexError):
        return undefined
    return _spelled(measured)


def _spelled(measured: Measured) -> Difference:
    excess = measured.excess
    return Difference(
        measured.metric,
        _finite(metric_value(measured.metric, measured.reference)),
        _finite(metric_value(measured.metric, measured.challenger)),
        *(_finite(0.0 - loss) for loss in (excess.mean, excess.upper, excess.lower)),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
