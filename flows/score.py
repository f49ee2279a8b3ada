"""Score: all rows of a file or a query are answered by one version."""

from datetime import datetime
from pathlib import Path

from prefect import flow

from millrace.adapters import clock
from millrace.steps.score import Scored, ScoreOrder
from tasks.ending import end_score
from tasks.score import score_rows


@flow(name="score", flow_run_name="{model} · score", persist_result=False)
def score(  # noqa: PLR0913, PLR0917 - what a form in Prefect asks for
    model: str,
    source: str,
    output: str,
    version: str = "",
    sql_url: str = "",
    keep: list[str] | None = None,
    now: datetime | None = None,
) -> Scored:
    """Answer all rows of `source`, a file or with `sql_url` a query, and write them to the file `output`.

    The champion answers, or a `version` by its number or the start of its digest. `keep` are the columns of
    the input that the output has too: by default the model's key, or all. A run that died is taken up by the
    next one with the same parameters.
    """
    order = ScoreOrder(model, source, Path(output), version, sql_url, tuple(keep or ()))
    return end_score(score_rows(order, now or clock.now()))
