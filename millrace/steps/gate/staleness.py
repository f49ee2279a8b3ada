"""What is lost by a model that learned up to some days further back?"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from millrace.domain.blocks import sample_blocks
from millrace.domain.config import Rule, StalenessPolicy
from millrace.domain.gate.evidence import asked_of
from millrace.domain.gate.staleness import SECONDS_A_DAY, Aged, Staleness
from millrace.domain.losses import FloatArray, StrArray
from millrace.steps.gate.case import Case
from millrace.steps.gate.refitting import Refitting, prepare_refits
from millrace.steps.progress import announce

SALT = "staleness"


def measure_staleness(case: Case) -> Staleness:
    """Walk back in time: fit to rows up to several days before the first judged one, and answer all of those.

    Each has a stretch of the same length before it and about as many rows, so that age alone makes a
    difference.
    """
    policy = asked_of(case.config.gate.staleness, Rule.STALENESS)
    refitting = prepare_refits(case)
    judged, own = (_starts(names) for names in (case.recent.blocks, refitting.learned.blocks))
    ages = [policy.horizon * step / policy.steps for step in range(policy.steps + 1)]
    ends = [judged.min() - age.total_seconds() for age in ages]
    length = max(0.0, ends[-1] - own.min())
    found = []
    for done, (age, end) in enumerate(zip(ages, ends, strict=True)):
        announce("gate: staleness", done, len(ages))
        is_within = (own >= end - length) & (own < end)
        found.append(_aged(refitting, np.flatnonzero(is_within), age, policy, case.config.gate.min_blocks))
    learned = _starts(case.compared.challenger.manifest.training_blocks)
    data_days = max(0.0, float(judged.max() - learned.max())) / SECONDS_A_DAY
    return Staleness(case.on_recent, tuple(found), data_days)


def _aged(
    refitting: Refitting,
    within: "np.typing.NDArray[np.intp]",
    age: timedelta,
    policy: StalenessPolicy,
    min_blocks: int,
) -> Aged:
    names, counts = np.unique(refitting.learned.blocks[within], return_counts=True)
    sizes = dict(zip(names.tolist(), counts.tolist(), strict=True))
    chosen = sample_blocks(sizes, policy.rows, SALT)
    rows = within[np.isin(refitting.learned.blocks[within], sorted(chosen))]
    days = age.total_seconds() / SECONDS_A_DAY
    answers = refitting.answer(rows) if len(chosen) >= min_blocks else None
    return Aged(days, len(chosen), len(rows), answers)


def _starts(blocks: StrArray | Sequence[str]) -> FloatArray:
    """Return when each block of time begins, in seconds since 1970."""
    names, places = np.unique(np.asarray(blocks, dtype=np.str_), return_inverse=True)
    starts = [datetime.fromisoformat(name).replace(tzinfo=UTC).timestamp() for name in names.tolist()]
    return np.array(starts)[places]
