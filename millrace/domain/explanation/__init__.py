"""Why does a model answer as it does: to one row, and as a whole?"""

from millrace.domain.explanation.answer import InputEffect, RowExplanation, explain_row, list_standings
from millrace.domain.explanation.dependence import Curve, Dependence, measure_dependence
from millrace.domain.explanation.importance import Importance, measure_importance
from millrace.domain.explanation.standing import Place, Standing
from millrace.domain.explanation.weak import WeakSlice, WeakSpots, find_weak_spots
from millrace.domain.explanation.whole import ModelExplanation

__all__ = [
    "Curve",
    "Dependence",
    "Importance",
    "InputEffect",
    "ModelExplanation",
    "Place",
    "RowExplanation",
    "Standing",
    "WeakSlice",
    "WeakSpots",
    "explain_row",
    "find_weak_spots",
    "list_standings",
    "measure_dependence",
    "measure_importance",
]
