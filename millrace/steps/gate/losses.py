"""What did each bundle lose on the rows that judge?"""

from math import isfinite

import numpy as np

from millrace.domain.config import GateSection
from millrace.domain.gate.comparison import loss_on
from millrace.domain.gate.evidence import ROLES, JudgedSet
from millrace.errors import MillraceError


def losses_of(judged: JudgedSet, policy: GateSection) -> dict[str, float]:
    """Return each bundle's loss; one that is undefined is left out, for no NaN is ever written."""
    losses = {role: _loss(judged, role, policy) for role in ROLES}
    return {role: loss for role, loss in losses.items() if loss is not None and isfinite(loss)}


def _loss(judged: JudgedSet, role: str, policy: GateSection) -> float | None:
    answers = getattr(judged, role)
    if answers is None or not answers.size or not np.isfinite(answers).all():
        return None
    try:
        return loss_on(judged, answers, policy.metric, policy).point
    except MillraceError:
        return None  # every rule that asks for it has said why
