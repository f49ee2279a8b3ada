"""`millrace gate`: what did the gate find of a version, or what would it find of any two?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import Parameter

from millrace.cli.output import console, print_json, table, watched

if TYPE_CHECKING:
    from millrace.domain.gate.finding import Finding
    from millrace.domain.gate.plot import PlacedBar
    from millrace.domain.gate.report import GateReport

WRONG_USAGE, REFUSED = 2, 3
SHOWN_BARS = 8
"""So many numbers of a rule are drawn; --json and --html have all."""
WIDTH = 20
MARKS = {"pass": "✔", "fail": "✘", "inconclusive": "?"}


def gate(
    version: str | None = None,
    *,
    compare: Annotated[tuple[str, str] | None, Parameter(negative=())] = None,
    rows: Path | None = None,
    html: Path | None = None,
    json: bool = False,
) -> None:
    """Show what the gate found of a version: the decision, then each rule with its numbers.

    With --compare A B, judge B against A by the model's rules, as if A were the champion: on the judged
    rows of the newest dataset, or on the labelled rows of a file, of which the blocks count that
    neither has learned from. Nothing is recorded, and no look at the rows is counted.

    Exit codes: 0 it passed, 3 it did not (it failed, or could not be decided), 1 an error, 2 wrong usage.

    Examples: `millrace gate churn`, `millrace gate churn/3 --html report.html`,
    `millrace gate --compare churn/3 churn/4`, `millrace gate --compare churn/3 churn --rows june.csv`.

    Parameters
    ----------
    version
        The first characters of a digest, MODEL for its champion, or MODEL/NUMBER.
    compare
        Two versions of one model: what is to be beaten, and what is judged.
    rows
        With --compare: a parquet, CSV, JSON lines or Excel file with the model's columns and its target.
    html
        Write the report to this file too, as one page that needs nothing else.
    json
        Write the report as JSON.
    """
    report = _find(version, compare, rows)
    if html is not None:
        _write(html, report)
    if json:
        print_json(report)
    else:
        _show(report, html)
    sys.exit(_exit_code(report))


def _find(version: str | None, compare: tuple[str, str] | None, rows: Path | None) -> "GateReport":
    if compare is None:
        if version is None:
            _refuse(
                "name a version, or two with --compare: `millrace gate churn` shows the champion's report"
            )
        if rows is not None:
            _refuse("--rows are what two versions are compared on: --compare A B says which")
        from millrace.steps.gate_reports import find_version_report

        return find_version_report(version)
    if version is not None:
        _refuse(f"--compare has its two versions; {version} is a third")
    from millrace.adapters.clock import now
    from millrace.steps.gate_versions import compare_versions

    with watched("gate · compare"):
        return compare_versions(*compare, rows, now())


def _refuse(why: str) -> NoReturn:
    print(f"error: {why}", file=sys.stderr)
    sys.exit(WRONG_USAGE)


def _exit_code(report: "GateReport") -> int:
    from millrace.domain.verdict import Outcome

    return 0 if report.outcome is Outcome.PASS else REFUSED


def _write(path: Path, report: "GateReport") -> None:
    from millrace.adapters.gate_page import render_gate

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_gate(report), "utf-8")


def _show(report: "GateReport", html: Path | None) -> None:
    from millrace.domain.gate.telling import (
        tell_against,
        tell_consequence,
        tell_counts,
        tell_decision,
        tell_headline,
        tell_policy,
        tell_rows,
        tell_rule,
    )

    out = console()
    out.print(tell_headline(report))
    out.print(tell_decision(report))
    out.print(tell_consequence(report))
    _show_facts(
        ("when", f"{report.at:%Y-%m-%d %H:%M} UTC"),
        ("against", tell_against(report)),
        *(("on", tell_rows(rows)) for rows in report.sets),
        ("by", tell_policy(report)),
        ("rules", tell_counts(report)),
        *(("note", note) for note in report.notes),
    )
    for findings in (report.missed, report.passed, report.dry_runs):
        for finding in findings:
            _show_rule(finding)
    if report.not_asked:
        out.print("\nnot asked for: " + ", ".join(tell_rule(one.rule) for one in report.not_asked))
    if html is not None:
        out.print(f"the report: {html}")


def _show_facts(*facts: tuple[str, str]) -> None:
    from rich.table import Table

    shown = Table.grid(padding=(0, 2))
    for name, value in facts:
        shown.add_row(f"  {name}", value)
    console().print(shown)


def _show_rule(finding: "Finding") -> None:
    from millrace.domain.gate.plot import place_bars
    from millrace.domain.gate.telling import tell_rule

    dry = ", dry run" if finding.dry_run else ""
    console().print(f"\n{MARKS[finding.outcome]} {tell_rule(finding.rule)}: {finding.outcome}{dry}")
    _show_facts(("", finding.reason))
    if not finding.bars:
        return
    shown = table("", "", "", "", "", "")
    shown.show_header, shown.box = False, None
    for column in shown.columns[2:]:
        column.no_wrap = True  # only names do
    for placed in place_bars(finding.bars)[:SHOWN_BARS]:
        shown.add_row("   ", *_cells(placed))
    console().print(shown)
    if len(finding.bars) > SHOWN_BARS:
        console().print(f"    and {len(finding.bars) - SHOWN_BARS} more; --html and --json have all")


def _cells(placed: "PlacedBar") -> tuple[str, ...]:
    from millrace.domain.gate.plot import spell_interval, spell_limit, spell_number

    told = (spell_number(placed.bar.value), spell_interval(placed.bar), spell_limit(placed.bar))
    return (placed.bar.name, *told, _draw(placed))


def _draw(placed: "PlacedBar") -> str:
    """Draw on a line of text: `-` the interval, `|` the limit, `·` the allowed side, the value over all."""
    if not placed.is_drawn:
        return ""
    line = [" "] * WIDTH
    if placed.limit is not None:
        at = _column(placed.limit)
        for column in range(at, WIDTH) if placed.bar.is_floor else range(at + 1):
            line[column] = "·"
    if placed.lower is not None and placed.upper is not None:
        for column in range(_column(placed.lower), _column(placed.upper) + 1):
            line[column] = "─"
    if placed.limit is not None:
        line[_column(placed.limit)] = "│"
    if placed.value is not None:
        line[_column(placed.value)] = {"inside": "●", "outside": "◆"}.get(placed.side, "○")
    return "".join(line)


def _column(percent: float) -> int:
    return min(WIDTH - 1, int(percent / 100 * WIDTH))
