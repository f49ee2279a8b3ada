"""Do labels creep away over many batches, each by too little to be seen?"""

from collections.abc import Sequence

from millrace.domain.config.poisoning import DripCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.chart import Reading, excess_of, learn_usual
from millrace.domain.poisoning.charts import read_labels
from millrace.domain.poisoning.disagreement import TOLD, read_scope
from millrace.domain.poisoning.judged import Judged
from millrace.domain.poisoning.profile import BatchProfile, Opinion


def judge_drip(profile: BatchProfile, history: Sequence[BatchProfile], policy: DripCheck) -> Judged:
    """Sum up by how much the newest batches are off what the first accepted ones say.

    The sum falls back to 0 and no further, and each batch takes `policy.slack` off it. Labels are summed in
    both directions, disagreement upwards.

    References
    ----------
    Page, E. S. (1954), Continuous inspection schemes, Biometrika 41; Montgomery, Introduction to Statistical
    Quality Control, section 9.1 (the tabular cumulative sum).
    """
    needed = policy.reference_batches + policy.window_batches - 1
    if len(history) < needed:
        return Judged(unjudged=(f"drip: {len(history)} of {needed} batches",))
    newest = [*history[-(policy.window_batches - 1) :], profile]
    reference = history[: policy.reference_batches]
    judged = Judged()
    for name, signs in _what_to_sum(profile, policy):
        readings = [one for batch in newest if (one := _read(batch, name))]
        usual = [one for batch in reference if (one := _read(batch, name))]
        if len(usual) < policy.reference_batches:
            judged += Judged(unjudged=(f"drip of {name}: {len(usual)} of {needed} batches",))
            continue
        sums = [sum_up(readings, usual, policy.slack, sign) for sign in signs]
        if max(sums) > policy.limit:
            message = (
                f"{name} creeps: the cumulative sum over {len(readings)} batches is {max(sums):.1f} standard "
                f"deviations, {policy.limit:g} are allowed"
            )
            judged += Judged((Violation("drip", None, profile.labelled, message),))
    return judged


def sum_up(readings: Sequence[Reading], reference: Sequence[Reading], slack: float, sign: int) -> float:
    """Return the one-sided tabular cumulative sum after the last reading, in standard deviations."""
    usual, total = learn_usual(reference), 0.0
    for reading in readings:
        total = max(0.0, total + sign * excess_of(reading, usual) - slack)
    return total


def _what_to_sum(profile: BatchProfile, policy: DripCheck) -> list[tuple[str, tuple[int, ...]]]:
    kinds = read_labels(profile) if "labels" in policy.sums else {}
    labels: list[tuple[str, tuple[int, ...]]] = [(f"label {name}", (1, -1)) for name in kinds]
    found = {one.opinion for one in profile.disagreements if one.column is None}
    opinions = found & {Opinion(name) for name in policy.sums if name != "labels"}
    return labels + [(TOLD[opinion], (1,)) for opinion in Opinion if opinion in opinions]


def _read(profile: BatchProfile, name: str) -> Reading | None:
    if name.startswith("label "):
        return read_labels(profile).get(name.removeprefix("label "))
    opinion = next(one for one, told in TOLD.items() if told == name)
    return read_scope(profile, (opinion, None, None))
