"""How far is a window from what was learned from, column by column and all together?"""

from millrace.domain.drift.judge import judge_by_rules, judge_columns, judge_window
from millrace.domain.drift.pairs import ColumnPair, pair_columns
from millrace.domain.drift.representatives import Samples, represent

__all__ = [
    "ColumnPair",
    "Samples",
    "judge_by_rules",
    "judge_columns",
    "judge_window",
    "pair_columns",
    "represent",
]
