"""How good were the answers, by the labels that have come for them?"""

from datetime import datetime
from functools import partial

from millrace.domain.fairness import Fairness, Gap, measure_fairness
from millrace.domain.group_measures import GroupedRows
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.attempt import attempt, judged, unknown
from millrace.domain.monitoring.calibration import judge_calibration
from millrace.domain.monitoring.concept import judge_concept
from millrace.domain.monitoring.findings import GroupLoss, PerformanceFindings, Watched
from millrace.domain.monitoring.loss import (
    ALL,
    judge_performance,
    judge_slices,
    measure_group,
    measure_slices,
)
from millrace.domain.monitoring.stretches import MIN_STRETCHES, find_stretches
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.domain.verdict import Outcome, Verdict


def measure_answered(
    rows: AnsweredRows, start: datetime, end: datetime, yardstick: Yardstick, notes: tuple[str, ...] = ()
) -> PerformanceFindings:
    """Measure the answers of `[start, end)`, and judge all that `[performance]` asks for.

    Performance and concept drift always have a verdict, slices, fairness and calibration where they are
    asked for. Whatever fails to be measured is inconclusive with the reason.
    """
    labelled, policy, known = rows.labelled, yardstick.policy, yardstick.known_level
    overall = attempt(partial(measure_group, ALL, labelled, yardstick, policy.confidence))
    slices = attempt(partial(measure_slices, labelled, yardstick))
    nothing = GroupLoss(ALL, len(labelled), None, None, None)
    verdicts = [
        unknown(Watched.PERFORMANCE, overall)
        if isinstance(overall, str)
        else judged(Watched.PERFORMANCE, partial(judge_performance, overall, yardstick))
    ]
    if policy.slices:
        verdicts.append(
            unknown(Watched.SLICES, slices)
            if isinstance(slices, str)
            else judged(Watched.SLICES, partial(judge_slices, slices, yardstick))
        )
    if policy.sensitive:
        verdicts.append(judged(Watched.FAIRNESS, partial(judge_fairness, rows, yardstick)))
    verdicts.append(judged(Watched.CONCEPT, partial(judge_concept, labelled, yardstick)))
    if policy.max_calibration_error is not None:
        verdicts.append(judged(Watched.CALIBRATION, partial(judge_calibration, labelled, yardstick)))
    return PerformanceFindings(
        start=start,
        end=end,
        rows=len(rows),
        labels=len(labelled),
        metric=yardstick.metric.value,
        level=None if isinstance(known, str) else known.loss,
        overall=nothing if isinstance(overall, str) else overall,
        slices=() if isinstance(slices, str) else slices,
        verdicts=tuple(verdicts),
        notes=notes,
    )


def list_watched(yardstick: Yardstick) -> tuple[Watched, ...]:
    """Name what has a verdict, in the order in which they stand."""
    policy = yardstick.policy
    asked = (
        (Watched.PERFORMANCE, True),
        (Watched.SLICES, bool(policy.slices)),
        (Watched.FAIRNESS, bool(policy.sensitive)),
        (Watched.CONCEPT, True),
        (Watched.CALIBRATION, policy.max_calibration_error is not None),
    )
    return tuple(watched for watched, is_asked in asked if is_asked)


def judge_fairness(rows: AnsweredRows, yardstick: Yardstick) -> Verdict:
    """Judge the largest difference between two groups of each sensitive column, corrected for the columns.

    It fails when a difference is surely more than `max_unfairness`, and passes when all are surely not and
    no group had too few labels.
    """
    answered, policy = rows.take(rows.has_answer), yardstick.policy
    stretches = find_stretches(answered.at, yardstick.block) if len(answered) else None
    if stretches is None:
        return unknown(Watched.FAIRNESS, f"{len(answered)} rows of fewer than {MIN_STRETCHES} moments")
    confidence = 1.0 - (1.0 - policy.confidence) / len(policy.sensitive)
    found = []
    for column in policy.sensitive:
        grouped = GroupedRows(
            yardstick.task, answered.answers, answered.labels, stretches, answered.slices[column],
            yardstick.threshold,
        )  # fmt: skip
        found.append(measure_fairness(column, grouped, policy.min_labels, confidence, yardstick.rounds))
    return _judge_gaps(found, policy.max_unfairness or 0.0)


def _judge_gaps(found: list[Fairness], limit: float) -> Verdict:
    gaps = [gap for one in found for gap in one.gaps]
    few = [f"{one.column}={name}" for one in found for name in one.left_out]
    alone = [one.column for one in found if not one.gaps]
    left_out = f"; not compared: {', '.join(few[:5])}{', ...' if few[5:] else ''}" if few else ""
    for outcome, chosen in (
        (Outcome.FAIL, [gap for gap in gaps if gap.lower > limit]),
        (Outcome.INCONCLUSIVE, [gap for gap in gaps if not gap.upper <= limit]),
        (Outcome.INCONCLUSIVE if few or alone else Outcome.PASS, gaps),
    ):
        if chosen:
            widest = max(chosen, key=lambda gap: gap.difference)
            return Verdict(Watched.FAIRNESS, outcome, f"{_spell(widest)}, {limit:g} allowed{left_out}")
    return unknown(Watched.FAIRNESS, f"no two groups of {', '.join(alone)} have labels enough{left_out}")


def _spell(gap: Gap) -> str:
    between = f"{gap.column}={gap.most} and {gap.column}={gap.least}"
    return f"{gap.measure} differs by {gap.difference:.3g} ({gap.lower:.3g} to {gap.upper:.3g}), {between}"
