"""What does each feature bring on judged rows?"""

from functools import partial
from typing import TYPE_CHECKING

from millrace.domain.config import Rule
from millrace.domain.explanation import measure_importance
from millrace.domain.gate.comparison import SEED
from millrace.domain.gate.evidence import asked_of
from millrace.domain.gate.features import FeatureUse, FeatureUses
from millrace.steps.explaining.sample import raw_features
from millrace.steps.gate.case import Case
from millrace.steps.gate.comparing import answer_over
from millrace.steps.gate.sampling import merge_blocks, sample_rows
from millrace.steps.progress import announce

if TYPE_CHECKING:
    import pandas as pd

    from millrace.domain.losses import FloatArray

MOST_CELLS = 100_000
"""Rows by features by classes that are answered for each shuffle of all: so the whole takes some seconds."""
LEAST_ROWS = 4_000


def measure_features(case: Case) -> FeatureUses:
    """Shuffle each feature of the bundle on a sample of the recent rows."""
    from millrace.domain.explanation.asked import Asked

    gate, scorer = case.config.gate, case.compared.challenger
    policy = asked_of(gate.features, Rule.FEATURES)
    cells = len(scorer.schema.inputs) * max(1, len(scorer.schema.classes) - 1)
    rows = sample_rows(case.recent, max(LEAST_ROWS, MOST_CELLS // cells), gate.min_blocks)
    wanted = case.compared.classes_beside(case.split.all_classes)

    def answer(frame: "pd.DataFrame") -> "FloatArray":
        return answer_over(wanted, scorer, frame)

    metric = case.config.followed_metric
    features = raw_features(rows.frame, scorer.schema.inputs)
    found = measure_importance(
        Asked(answer), features, rows.labels, merge_blocks(rows.blocks), metric,
        repeats=policy.repeats, confidence=gate.confidence, rounds=gate.rounds, seed=SEED,
        told=partial(announce, "shuffling features"),
    )  # fmt: skip
    nulls = features.isna().mean()
    uses = (
        FeatureUse(one.name, one.excess_loss, one.lower, one.upper, float(nulls[one.name])) for one in found
    )
    names = tuple(column.name for column in scorer.schema.inputs)
    return FeatureUses(case.on_recent, metric, names, len(rows.labels), tuple(uses))
