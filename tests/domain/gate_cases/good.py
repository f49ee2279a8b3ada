"""What is measured of a good challenger on designed sets, for the rules that need more than those."""

from collections.abc import Mapping

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.facts import Reproduction
from millrace.domain.gate.behaviour import Behaviour
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.gate.measurement import Measurement, NotMeasured
from millrace.domain.gate.reproducibility import TrainedAgain
from millrace.domain.gate.stability import Stability
from millrace.domain.gate.staleness import Aged, Staleness
from millrace.domain.gate.tried import Alike, Attack, Change, Extreme, Robustness, Steps, ToTry
from millrace.domain.kinds import Task
from tests.domain.gate_cases.good_trained import costs, feature_uses, leakage, weighed


def measured_well(recent: JudgedSet, golden: JudgedSet) -> Mapping[Rule, Measurement | NotMeasured]:
    """Return what every measuring step would, had it found nothing wrong."""
    return {
        Rule.ROBUSTNESS: robustness(recent),
        Rule.BEHAVIOUR: Behaviour(recent.source, 3, 1, (), (), 0),
        Rule.SIMPLER: weighed(recent),
        Rule.LEAKAGE: leakage(recent),
        Rule.FEATURES: feature_uses(recent),
        Rule.COST: costs(recent),
        Rule.STALENESS: staleness(recent, 0.0, 0.25, 0.5),
        Rule.STABILITY: stability(recent, 0.1),
        Rule.REPRODUCIBILITY: trained_again(recent),
    }


def staleness(
    recent: JudgedSet, *decays: float, days: float = 28.0, blocks: int = 30, data_days: float = 1.0
) -> Staleness:
    """Return refits that are off by 1 and so much more, evenly apart in age."""
    ages = np.linspace(0.0, days, len(decays)).tolist()
    found = (
        Aged(age, blocks, 10 * blocks, recent.labels + 1.0 + decay)
        for age, decay in zip(ages, decays, strict=True)
    )
    return Staleness(recent.source, tuple(found), data_days)


def stability(recent: JudgedSet, apart: float, refits: int = 5) -> Stability:
    """Return refits that are off by 1, and each by so much more than the one before."""
    answers = np.array([recent.labels + 1.0 + apart * at for at in range(refits)])
    return Stability(recent.source, Task.REGRESSION, answers, 300)


def trained_again(recent: JudgedSet) -> TrainedAgain:
    """Return a second training that ended in the same bytes."""
    digest = "5" * 64
    return TrainedAgain(recent.source, "scorer.onnx", digest, digest, Reproduction.IDENTICAL, 0, 0, 0, 0.0)


def robustness(recent: JudgedSet, lost: float = 0.1) -> Robustness:
    """Return answers that are off by so much more when rows are changed, and right otherwise."""
    positions = np.arange(recent.labels.size)
    changes = tuple(Change(name, 2, 0, recent.challenger + lost) for name in ("noise", "missing"))
    return Robustness(
        recent.source,
        ToTry(numbers=2, nullable=2, open=0, extremes=1),
        positions,
        (Alike("float32", 200, 2, 0),),
        (Extreme("a = 9", 20, 0),),
        (*changes, Change("unknown", 0, 0, None)),
        (Steps("a", 1_000, 5, 0.5),),
        Attack(2, positions, (positions % 10 == 0).astype(np.intp)),
    )
