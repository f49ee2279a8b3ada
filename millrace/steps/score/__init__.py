"""Answering all rows of a file or a query: bounded memory, their order kept, resumed where it stopped."""

from millrace.steps.score.run import Scored, ScoreOrder, score_rows
from millrace.steps.score.version import NoChampionError, find_version

__all__ = ["NoChampionError", "ScoreOrder", "Scored", "find_version", "score_rows"]
