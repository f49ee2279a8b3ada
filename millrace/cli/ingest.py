"""`millrace ingest`: take in batches."""

import sys
from pathlib import Path

from millrace.cli.output import console, print_json, short, watched

QUARANTINED = 4

NEEDED_LATER = ("flows.ingest", "pandera.pandas", "pyarrow.parquet", "dvc.repo")
"""Imported while Prefect's server starts on the other core."""


def ingest(model: str, *files: Path, json: bool = False) -> None:
    """Take in files, or whatever the inbox or source of a model has.

    A batch that breaks the contract goes to the quarantine, with a report; the same bytes
    are taken in once.

    Examples: `millrace ingest churn`, `millrace ingest churn week-12.csv week-13.csv`.

    Parameters
    ----------
    model
        A folder under models/.
    files
        Parquet or CSV files; without any, the model's inbox or source is asked.
    json
        Write the results as JSON.
    """
    from flows.server import prefect_server

    with watched(f"{model} · ingest"), prefect_server(*NEEDED_LATER):
        from flows.ingest import ingest as flow
        from millrace.steps.batch import BatchOutcome

        results = flow(model, list(files) or None)
    if json:
        print_json(results)
    else:
        show_batches(model, results)
    if any(result.outcome is BatchOutcome.QUARANTINED for result in results):
        sys.exit(QUARANTINED)


def show_batches(model: str, results: list) -> None:  # type: ignore[type-arg]
    from millrace.domain.poisoning.judged import group_unjudged
    from millrace.steps.dataset import current_dataset

    out = console()
    for result in results:
        out.print(f"{result.outcome:<12} {result.batch:<24} {result.rows:>12,} rows  {short(result.digest)}")
        for violation in result.violations:
            column = f" ({violation.column})" if violation.column else ""
            out.print(f"    {violation.message}{column}", soft_wrap=True)
            for example in violation.examples:
                out.print(f"        {example}", soft_wrap=True)
        for line in group_unjudged(result.unjudged):
            out.print(f"    not judged: {line}", soft_wrap=True)
    if not results:
        out.print(f"{model}: nothing new has arrived")
    _show_left(model)
    dataset = current_dataset(model)
    out.print(f"dataset {short(dataset.version)}: {len(dataset.parts)} parts, {dataset.rows:,} rows")


def _show_left(model: str) -> None:
    from millrace.adapters import clock
    from millrace.steps.source import find_left

    left = find_left(model, clock.now())
    if left is None:
        return
    for rows, what in (
        (left.waiting, "wait in the database: a batch needs [contract] min_rows"),
        (left.unmarked, "have no watermark and are never taken in: give them one"),
        (left.ahead, "have a watermark in the future and wait until then: correct them, or cast it to UTC"),
        (
            left.late,
            "came at or below a watermark that was passed, and no batch will have them: see [data.sql] lag",
        ),
    ):
        if rows:
            console().print(f"{rows:,} rows {what}")
