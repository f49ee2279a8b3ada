"""What happened when history ran again: as the demo tells it, and policies side by side?"""

from millrace.domain.replay.comparison import AgeLoss, Happening, PolicyResult, ReplayResult, StretchLoss
from millrace.domain.replay.page import (
    QUARANTINED,
    ReplayPage,
    ReplayRow,
    Timing,
    name_champion,
    name_month,
    spell_score,
    tell_headline,
    tell_scores,
    tell_summary,
)

__all__ = [
    "QUARANTINED",
    "AgeLoss",
    "Happening",
    "PolicyResult",
    "ReplayPage",
    "ReplayResult",
    "ReplayRow",
    "StretchLoss",
    "Timing",
    "name_champion",
    "name_month",
    "spell_score",
    "tell_headline",
    "tell_scores",
    "tell_summary",
]
