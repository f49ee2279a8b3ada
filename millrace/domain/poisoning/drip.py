"""Do labels creep away over many batches, each by too little to be seen?"""

import math
from collections.abc import Sequence

from millrace.domain.config.poisoning import DripCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.chart import Reading, Usual, excess_of, learn_usual, limit_of_sum
from millrace.domain.poisoning.charts import name_labels, read_label
from millrace.domain.poisoning.disagreement import TOLD, read_scope
from millrace.domain.poisoning.judged import Judged
from millrace.domain.poisoning.profile import BatchProfile, Opinion


def judge_drip(profile: BatchProfile, history: Sequence[BatchProfile], policy: DripCheck) -> Judged:
    """Sum up by how much the newest batches are off what the first accepted ones say.

    Batches without a reading are left out. The sum falls back to 0 and no further, and each batch takes
    `policy.slack` off it. Labels are summed in both directions, disagreement upwards; `policy.false_alarms`
    is shared among all sums.

    References
    ----------
    Page, E. S. (1954), Continuous inspection schemes, Biometrika 41; Montgomery, Introduction to Statistical
    Quality Control, section 9.1 (the tabular cumulative sum).
    """
    needed = policy.reference_batches + policy.window_batches - 1
    if len(history) < needed:
        return Judged(unjudged=(f"drip: {len(history)} of {needed} batches",))
    judged, asked = Judged(), _what_to_sum(profile, history, policy)
    chance = policy.false_alarms / sum(len(signs) for _, signs in asked)
    for name, signs in asked:
        past, mine = [one for batch in history if (one := _read(batch, name))], _read(profile, name)
        if mine is None:
            judged += Judged(unjudged=(f"drip of {name}: the batch says nothing of it",))
            continue
        if len(past) < needed:
            judged += Judged(unjudged=(f"drip of {name}: {len(past)} of {needed} batches",))
            continue
        usual = learn_usual(past[: policy.reference_batches])
        readings = [*past[-(policy.window_batches - 1) :], mine]
        sums = [sum_up(readings, usual, policy.slack, sign) for sign in signs]
        limit = _limit(usual, readings, policy, chance)
        if max(sums) > limit:
            message = (
                f"{name} creeps: the cumulative sum over {len(readings)} batches is {max(sums):.1f} standard "
                f"deviations, {limit:.1f} are allowed"
            )
            judged += Judged((Violation("drip", None, profile.labelled, message, about=name),))
    return judged


def sum_up(readings: Sequence[Reading], usual: Usual, slack: float, sign: int) -> float:
    """Return the one-sided tabular cumulative sum after the last reading, in standard deviations."""
    total = 0.0
    for reading in readings:
        total = max(0.0, total + sign * excess_of(reading, usual) - slack)
    return total


def _limit(usual: Usual, readings: Sequence[Reading], policy: DripCheck, chance: float) -> float:
    unsureness = max(usual.unsureness_beside(one) for one in readings)
    # upwards to a tenth: batches of nearly equal sizes have one limit
    rounded = math.ceil(round(10.0 * unsureness, 6)) / 10.0
    return limit_of_sum(policy.reference_batches, policy.window_batches, policy.slack, chance, rounded)


def _what_to_sum(
    profile: BatchProfile, history: Sequence[BatchProfile], policy: DripCheck
) -> list[tuple[str, tuple[int, ...]]]:
    """Name each sum and its directions; labels that no batch has are one sum of which nothing is known."""
    kinds = [f"label {name}" for name in name_labels([*history, profile])] or [_LABELS]
    labels: list[tuple[str, tuple[int, ...]]] = [(name, (1, -1)) for name in kinds]
    opinions = [Opinion(name) for name in policy.sums if name != _LABELS]
    told: list[tuple[str, tuple[int, ...]]] = [(TOLD[one], (1,)) for one in Opinion if one in opinions]
    return (labels if _LABELS in policy.sums else []) + told


def _read(profile: BatchProfile, name: str) -> Reading | None:
    if name.startswith("label "):
        return read_label(profile, name.removeprefix("label "))
    opinion = next((one for one, told in TOLD.items() if told == name), None)
    return read_scope(profile, (opinion, None, None)) if opinion else None


_LABELS = "labels"
