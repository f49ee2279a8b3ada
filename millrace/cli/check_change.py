"""`millrace check-change`: is a change of code, configuration or data worth a full training?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from millrace.cli.output import console, print_json, table, watched

if TYPE_CHECKING:
    from millrace.domain.change_report import ChangeReport

NOT_PASSED = 3
LEAST_ROWS = 100


def check_change(
    model: str,
    *,
    rows: Annotated[int | None, Parameter(validator=Number(gte=LEAST_ROWS))] = None,
    markdown: Path | None = None,
    json: bool = False,
) -> None:
    """Try a change of code, configuration or data: a quick training on a sample, against the champion.

    It records and publishes nothing. It exits with 3 unless the change surely loses no more
    than `[check].max_excess_loss`.

    Examples: `millrace check-change churn`, `millrace check-change churn --markdown report.md`.

    Parameters
    ----------
    model
        A folder under models/.
    rows
        Train on about so many rows, in whole blocks, instead of `[check].rows`.
    markdown
        Write the report to this file too, for a pull request.
    json
        Write the report as JSON.
    """
    from millrace.steps import check_change as step
    from millrace.steps.progress import announce

    with watched(f"{model} · check-change"):
        report = step.check_change(model, rows, lambda done, total: announce("search", done, total))
    if markdown is not None:
        markdown.parent.mkdir(parents=True, exist_ok=True)
        markdown.write_text(report.markdown, "utf-8")
    if json:
        print_json(report)
    else:
        _show(report)
    sys.exit(_exit_code(report))


def _exit_code(report: "ChangeReport") -> int:
    from millrace.domain.verdict import Outcome

    return 0 if report.outcome is Outcome.PASS else NOT_PASSED


def _show(report: "ChangeReport") -> None:
    from millrace.domain.change_report import COLUMNS

    out, shown = console(), table(*COLUMNS)
    out.print(report.how)
    for row in report.rows:
        shown.add_row(*row)
    if report.differences:
        out.print(shown)
    out.print(f"{report.outcome}: {report.reason}", soft_wrap=True)  # one line: scripts show the last one
