"""`millrace monitor`: what a model is asked and answers, and whether that is as it should be."""

import sys
from typing import TYPE_CHECKING

from cyclopts import App

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.domain.facts import WindowMonitored
    from millrace.domain.monitoring.findings import DriftFindings
    from millrace.steps.monitoring.status import MonitoringStatus

NOT_AS_IT_SHOULD_BE = 6
SHOWN_COLUMNS = 12

monitor = App(name="monitor", help="What a model is asked and answers, and whether that is as it should be.")


@monitor.command
def look(model: str, *, report: bool = False, json: bool = False) -> None:
    """Look at what has come since the last look, and record what was found; `make up` does so by itself.

    Exit code 6 as long as something fails. Examples: `millrace monitor look churn`,
    `millrace monitor look churn --report`.

    Parameters
    ----------
    model
        A folder under models/.
    report
        Draw Evidently's report too, also when nothing has crossed a line.
    json
        Write what was found as JSON.
    """
    from flows.server import prefect_server

    with watched(f"{model} · monitor"), prefect_server("flows.monitor", "evidently"):
        from flows.monitor import monitor as flow

        looked = flow(model, report=report)
    if looked is None:
        return  # what hinders a look is raised where a person asks for one
    if json:
        print_json(looked)
    else:
        _show_look(model, looked)
    sys.exit(_exit_code(looked))


@monitor.command
def status(model: str, *, json: bool = False) -> None:
    """Show the newest looks at a model, and every column and slice of the last one.

    Example: `millrace monitor status churn`.

    Parameters
    ----------
    model
        A folder under models/.
    json
        Write the status as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.monitoring.status import monitoring_status

    found = monitoring_status(model, clock.now())
    if json:
        print_json(found)
    else:
        _show_status(found)


@monitor.command
def compare(model: str, first: str, second: str, *, json: bool = False) -> None:
    """Compare two windows with each other by what is kept of them; their rows need not be there any more.

    Example: `millrace monitor compare churn 2026-11-02T00:00 2026-11-09T00:00`.

    Parameters
    ----------
    model
        A folder under models/.
    first
        When the one began that is taken for usual, in UTC; as much of it as no other window shares.
    second
        When the other one began.
    json
        Write the findings as JSON.
    """
    from millrace.steps.monitoring.compare import compare_kept

    found = compare_kept(model, first, second)
    if json:
        print_json(found)
    else:
        _show_columns(found)


@monitor.command
def due(*models: str) -> None:
    """Record of which models a look is due before its time; the controller asks while requests come.

    One model's trouble holds up no other: the exit code is 1 then. Example: `millrace monitor due`.

    Parameters
    ----------
    models
        Folders under models/; every model where none is named.
    """
    from uuid import uuid4

    from millrace.adapters import clock
    from millrace.adapters.models import list_models
    from millrace.domain.narration import tell
    from millrace.errors import MillraceError
    from millrace.settings import load_settings
    from millrace.steps.monitoring.due import notice_due

    is_trouble = False
    for model in models or list_models(load_settings().models):
        try:
            fact = notice_due(model, f"monitor due {uuid4()}", clock.now())
        except MillraceError as error:
            is_trouble = True
            print(f"error: {model}: {error}", file=sys.stderr)
            continue
        if fact is not None:
            console().print(f"{model}: {tell(fact)}", soft_wrap=True)
    if is_trouble:
        sys.exit(1)


def _exit_code(looked: "WindowMonitored") -> int:
    from millrace.domain.verdict import Outcome

    failed = any(verdict.outcome is Outcome.FAIL for verdict in looked.standing)
    return NOT_AS_IT_SHOULD_BE if failed else 0


def _show_look(model: str, looked: "WindowMonitored") -> None:
    from millrace.domain.decision import tell_decay, tell_drift

    out = console()
    window = f"{looked.start:%Y-%m-%d %H:%M:%S} to {looked.end:%Y-%m-%d %H:%M:%S} UTC"
    out.print(f"{model}: {looked.rows:,} rows and {looked.labels:,} labels, champion {short(looked.digest)}")
    out.print(f"window {window}", soft_wrap=True)
    verdicts = table("watched", "outcome", "found")
    for verdict in looked.standing:  # a look at too few rows takes nothing back
        verdicts.add_row(verdict.rule, verdict.outcome, verdict.reason)
    out.print(verdicts)
    drift = [tell_drift(looked.drift)] if looked.drift is not None else []
    decay = [tell_decay(looked.decay)] if looked.decay is not None else []
    for told in (*drift, *decay):
        out.print(f"{told}: a retraining is asked for", soft_wrap=True)


def _show_status(status: "MonitoringStatus") -> None:
    out = console()
    if not status.looks:
        out.print(f"{status.model}: nobody has looked yet; `millrace monitor look {status.model}` does")
        return
    looks = table("window from", "to", "rows", "labels", "failed", "asks for")
    for one in status.looks[-10:]:
        looked = one.monitored
        failed = ", ".join(verdict.rule for verdict in looked.verdicts if verdict.outcome == "fail")
        asks = " and ".join(name for name, is_there in _asks(looked) if is_there)
        looks.add_row(
            f"{looked.start:%Y-%m-%dT%H:%M:%S}", f"{looked.end:%m-%d %H:%M:%S}", f"{looked.rows:,}",
            f"{looked.labels:,}", failed, asks,
        )  # fmt: skip
    out.print(looks)
    if status.newest is not None and status.newest.drift is not None:
        _show_columns(status.newest.drift)
    _show_look(status.model, status.looks[-1].monitored)
    if status.due is not None:
        out.print(f"the next look is due at {status.due:%Y-%m-%d %H:%M} UTC")


def _asks(looked: "WindowMonitored") -> tuple[tuple[str, bool], ...]:
    return ("drift", looked.drift is not None), ("decay", looked.decay is not None)


def _show_columns(drift: "DriftFindings") -> None:
    from millrace.domain.monitoring.table import order_by_concern

    columns = table("column", "of", "test", "score", "threshold", "outcome", "found")
    for one in order_by_concern(drift.columns)[:SHOWN_COLUMNS]:
        score = "" if one.score is None else f"{one.score:.3f}"
        columns.add_row(
            one.column, one.part, one.test, score, f"{one.threshold:g}", one.outcome, one.reason
        )  # fmt: skip
    console().print(columns)
    if len(drift.columns) > SHOWN_COLUMNS:
        console().print(f"and {len(drift.columns) - SHOWN_COLUMNS} more columns; --json shows all")
