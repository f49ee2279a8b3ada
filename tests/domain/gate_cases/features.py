"""Features that bring less and less, and one that harms."""

import math
from dataclasses import replace

from millrace.domain.config import Rule
from millrace.domain.gate.evidence import GateEvidence
from millrace.domain.gate.features import FeatureUse, FeatureUses
from tests.domain.gate_cases.case import GateCase
from tests.domain.gate_cases.good_trained import feature_uses
from tests.domain.judged import GOOD

USEFUL = feature_uses(GOOD.recent)


def shuffled(found: FeatureUses) -> GateEvidence:
    return replace(GOOD, measured={**GOOD.measured, Rule.FEATURES: found})


def with_last(**changed: float | None) -> FeatureUses:
    last = replace(USEFUL.uses[-1], **changed)  # type: ignore[arg-type]
    return replace(USEFUL, uses=(*USEFUL.uses[:-1], last))


def and_another(use: FeatureUse) -> GateEvidence:
    return shuffled(replace(USEFUL, uses=(*USEFUL.uses, use)))


CASES = [
    GateCase(
        "features",
        "none of 3 features harms; 1 of 3 surely bring less than 0.05 of MAE and can be removed: "
        "noise (25.0% null), needed at most 1",
        (
            and_another(FeatureUse("colour", 0.04, 0.01, 0.07, 0.0)),
            and_another(FeatureUse("colour", 0.02, 0.01, 0.03, 0.0)),
            shuffled(feature_uses(GOOD.recent, -0.5)),
        ),
        shuffled(with_last(lower=None, upper=None)),
        (
            shuffled(with_last(gain=math.nan)),
            shuffled(with_last(lower=-math.inf)),
            shuffled(with_last(lower=None)),
            shuffled(replace(USEFUL, uses=())),
            shuffled(replace(USEFUL, uses=USEFUL.uses[:1])),
            shuffled(replace(USEFUL, rows=0)),
            shuffled(replace(USEFUL, rows=-400)),
            shuffled(replace(USEFUL, uses=(*USEFUL.uses, USEFUL.uses[0]))),
            shuffled(replace(USEFUL, source=replace(USEFUL.source, rows="9" * 64))),
        ),
    )
]
