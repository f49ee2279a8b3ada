"""`millrace score`: answer all rows of a file or a query."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short

if TYPE_CHECKING:
    from millrace.steps.score import Scored

SOME_REFUSED = 8


def score(  # noqa: PLR0913 - what can be said of it
    model: str,
    source: str,
    output: Path,
    *,
    version: str = "",
    sql_url: str = "",
    keep: tuple[str, ...] = (),
    json: bool = False,
) -> None:
    """Answer all rows of a file or a query with the champion, in their order.

    What was stopped or killed is taken up by the same command; OUTPUT appears when it is whole, and
    replaces a file of that name. A row
    that the model may not answer has no answer and the reason in the column `error`.

    Exit codes: 0 every row has an answer, 8 some have none, 1 nothing was written.

    Examples: `millrace score churn june.parquet june-scored.parquet`,
    `millrace score churn june.csv scored.csv --version 3 --keep customer --keep region`,
    `millrace score churn "SELECT * FROM customers" scored.parquet --sql-url 'postgresql://me:${PW}@db/shop'`.

    Parameters
    ----------
    model
        A folder under models/.
    source
        A parquet, CSV, JSON lines or Excel file; with --sql-url a query.
    output
        A .parquet or .csv file. One that is there is replaced when the new one is whole.
    version
        A version's number or the first characters of its digest, instead of the champion.
    sql_url
        The database that the query is for; `${NAME}` in it comes from the environment.
    keep
        The columns of the input that the output is to have: by default the model's key, or else all.
    json
        Write the result as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.score import ScoreOrder, score_rows

    order = ScoreOrder(model, source, output, version, sql_url, tuple(keep))
    with _progress(f"{model} · score"):
        scored = score_rows(order, clock.now())
    if json:
        print_json(scored)
    else:
        _show(scored, output)
    if scored.refused:
        sys.exit(SOME_REFUSED)


def _show(scored: "Scored", output: Path) -> None:
    out = console()
    if scored.anew:
        out.print(f"a scoring that was begun here had another {scored.anew}: this one began anew")
    if scored.resumed:
        out.print(f"{scored.resumed:,} rows had been answered before it was stopped")
    if scored.asked:
        out.print(f"the rows are those the database gave at {scored.asked}, when it was begun")
    if scored.rows == 0:
        out.print("the input has no rows: the output has its columns and no rows")
    out.print(f"{scored.rows:,} rows of {scored.source} answered by {short(scored.digest)}: {output}")
    if scored.refused:
        out.print(f"{scored.refused:,} of them have no answer: the column error says why")


@contextmanager
def _progress(title: str) -> Iterator[None]:
    """Show how many rows are done, of how many and how fast, where somebody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from millrace.steps.progress import listener

    began = time.monotonic()
    rate = TextColumn("{task.fields[rate]}")
    step = TextColumn("{task.description}")
    columns = (step, BarColumn(30), MofNCompleteColumn(), rate, TimeRemainingColumn())
    out = console()
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task(title, total=None, rate="")

        def show(step: str, done: int, total: int) -> None:
            rate = f"{done / max(time.monotonic() - began, 0.001):,.0f} rows/s" if done else ""
            bar.update(task, description=f"{title} · {step}", completed=done, total=total or None, rate=rate)

        token = listener.set(show)
        try:
            yield
        finally:
            listener.reset(token)
