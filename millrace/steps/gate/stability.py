"""How far apart are models that differ by luck alone?"""

import numpy as np

from millrace.domain.config import Rule
from millrace.domain.gate.comparison import SEED
from millrace.domain.gate.evidence import asked_of
from millrace.domain.gate.stability import Stability
from millrace.domain.losses import StrArray
from millrace.steps.gate.case import Case
from millrace.steps.gate.refitting import Rows, prepare_refits
from millrace.steps.progress import announce


def measure_stability(case: Case) -> Stability:
    """Fit to training blocks drawn with replacement, by other seeds, and let each answer the recent rows."""
    policy = asked_of(case.config.gate.stability, Rule.STABILITY)
    refitting, seed = prepare_refits(case), case.config.training.seed
    answers, rows = [], []
    for at in range(policy.refits):
        announce("gate: stability", at, policy.refits)
        drawn = draw_rows(refitting.learned.blocks, policy.rows, np.random.default_rng([SEED, at]))
        answers.append(refitting.answer(drawn, seed + 1 + at))
        rows.append(drawn.size)
    return Stability(case.on_recent, case.config.model.task, np.array(answers), round(float(np.mean(rows))))


def draw_rows(blocks: StrArray, rows: int, source: np.random.Generator) -> Rows:
    """Draw as many whole blocks as there are, with replacement, or until they hold `rows` rows."""
    _, places, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    drawn = source.integers(counts.size, size=counts.size)
    enough = int(np.searchsorted(np.cumsum(counts[drawn]), rows)) + 1
    by_block = np.split(np.argsort(places, kind="stable"), np.cumsum(counts)[:-1])
    return np.concatenate([by_block[block] for block in drawn[:enough]])
