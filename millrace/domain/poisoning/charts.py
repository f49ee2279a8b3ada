"""Does a batch have as many rows, and as many labels of each kind, as accepted batches have?"""

import math
from collections.abc import Sequence

from millrace.domain.config.poisoning import ChartCheck
from millrace.domain.contract import Violation
from millrace.domain.poisoning.chart import (
    Reading,
    Usual,
    excess_of,
    learn_usual,
    limit_of,
    read_share,
    share_on_scale,
)
from millrace.domain.poisoning.judged import Judged
from millrace.domain.poisoning.profile import BatchProfile


def judge_volume(profile: BatchProfile, history: Sequence[BatchProfile], policy: ChartCheck) -> Judged:
    """Compare the logarithm of the number of rows, in both directions."""
    past = [_read_rows(one) for one in history if one.rows][-policy.last_batches :]
    if len(past) < policy.min_batches:
        return _too_few("volume", past, policy)
    if not profile.rows:
        return Judged(unjudged=("volume: the batch has no rows",))
    usual = learn_usual(past)
    excess, limit = excess_of(_read_rows(profile), usual), limit_of(len(past), policy.false_alarms / 2.0)
    if abs(excess) <= limit:
        return Judged()
    message = (
        f"{profile.rows:,} rows, usually {math.exp(usual.centre):,.0f}; {_arithmetic(excess, usual, limit)}"
    )
    return Judged((Violation("volume", None, profile.rows, message),))


def judge_label_rate(profile: BatchProfile, history: Sequence[BatchProfile], policy: ChartCheck) -> Judged:
    """Compare the share of each class, or the mean of the target, in both directions.

    `policy.false_alarms` is shared among the classes, of which two are one.
    """
    if not profile.labelled:
        return Judged(unjudged=("label_rate: no label in the batch",))
    names = name_labels([*history[-policy.last_batches :], profile])
    judged, chance = Judged(), policy.false_alarms / (2.0 * len(names))
    for name in names:
        if (reading := read_label(profile, name)) is None:
            continue  # there are labels
        past = [found for one in history if (found := read_label(one, name))]
        past = past[-policy.last_batches :]
        if len(past) < policy.min_batches:
            judged += _too_few(f"label_rate of {name}", past, policy)
            continue
        usual = learn_usual(past)
        excess, limit = excess_of(reading, usual), limit_of(len(past), chance)
        if abs(excess) > limit:
            count = profile.labels.get(name, profile.labelled)
            message = f"{_shown(name, reading, usual)}; {_arithmetic(excess, usual, limit)}"
            judged += Judged((Violation("label_rate", None, count, message, about=name),))
    return judged


def name_labels(batches: Sequence[BatchProfile]) -> list[str]:
    """Name what is read of labels: each class that any of the batches has, of two the last; or the mean."""
    if any(one.mean is not None for one in batches):
        return [MEAN]
    names = sorted({name for one in batches for name in one.labels})
    return names[1:] if len(names) == TWO else names


def read_label(profile: BatchProfile, name: str) -> Reading | None:
    """Read the share of a class, 0 where the batch has none of it; of a regression the mean."""
    if not profile.labelled:
        return None
    if profile.mean is not None and profile.deviation is not None:
        return Reading(profile.mean, profile.deviation**2 / profile.labelled)
    return read_share(profile.labels.get(name, 0), profile.labelled)


MEAN = "target"
TWO = 2


def _read_rows(profile: BatchProfile) -> Reading:
    return Reading(math.log(profile.rows), 1.0 / profile.rows)


def _shown(name: str, reading: Reading, usual: Usual) -> str:
    if name == MEAN:
        return f"the mean of the target is {reading.value:.4g}, usually {usual.centre:.4g}"
    found, usually = share_on_scale(reading.value), share_on_scale(usual.centre)
    return f"{found:.1%} of the labels are {name}, usually {usually:.1%}"


def _arithmetic(excess: float, usual: Usual, limit: float) -> str:
    return f"{excess:+.1f} standard deviations over {usual.batches} batches, {limit:.1f} are allowed"


def _too_few(what: str, past: Sequence[Reading], policy: ChartCheck) -> Judged:
    return Judged(unjudged=(f"{what}: {len(past)} of {policy.min_batches} batches",))
