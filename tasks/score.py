"""Answering all rows of a file or a query."""

from millrace.steps import score
from tasks.retries import network_task

score_rows = network_task("score the rows")(score.score_rows)
