"""Does what is predicted come as often, or as much, as it was predicted?"""

from millrace.domain.calibration import calibration_interval, told_and_actual
from millrace.domain.monitoring.answered import AnsweredRows
from millrace.domain.monitoring.attempt import unknown
from millrace.domain.monitoring.findings import Watched
from millrace.domain.monitoring.stretches import MIN_STRETCHES, find_stretches
from millrace.domain.monitoring.yardstick import Yardstick
from millrace.domain.verdict import Outcome, Verdict

SEED = 0


def judge_calibration(labelled: AnsweredRows, yardstick: Yardstick) -> Verdict:
    """Judge the mean distance between what was predicted and what came, in units of the answer.

    Of several classes it is the share of the likeliest, and how often that one came.
    """
    policy, limit = yardstick.policy, yardstick.policy.max_calibration_error
    if limit is None or len(labelled) < max(1, policy.min_labels):
        return unknown(Watched.CALIBRATION, f"{len(labelled)} labels of {policy.min_labels} needed")
    stretches = find_stretches(labelled.at, yardstick.block)
    if stretches is None:
        return unknown(Watched.CALIBRATION, f"labels of fewer than {MIN_STRETCHES} moments tell no bounds")
    told, actual = told_and_actual(labelled.answers, labelled.labels, yardstick.task)
    found = calibration_interval(
        told, actual, stretches, rounds=yardstick.rounds, confidence=policy.confidence, seed=SEED
    )
    outcome = Outcome.INCONCLUSIVE
    if found.lower > limit:
        outcome = Outcome.FAIL
    elif found.upper <= limit:
        outcome = Outcome.PASS
    bounds = f"{found.lower:.3g} to {found.upper:.3g} but for chance"
    reason = f"mean distance {found.mean:.3g} ({bounds}) on {len(labelled)} labels, {limit:g} allowed"
    return Verdict(Watched.CALIBRATION, outcome, reason)
