"""How is a look told as a table for people?"""

from millrace.domain.facts import WindowMonitored
from millrace.domain.monitoring.findings import ColumnFinding, WindowFindings
from millrace.domain.verdict import Outcome

SHOWN_COLUMNS = 30

_CONCERN = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}


def monitoring_table(looked: WindowMonitored, found: WindowFindings) -> str:
    """Write the verdicts, and the columns of most concern, as Markdown."""
    rows = [f"| {one.rule} | {one.outcome} | {_cell(one.reason)} |" for one in looked.verdicts]
    lines = ["| watched | outcome | found |", "|---|---|---|", *rows]
    columns = order_by_concern(found.drift.columns) if found.drift else []
    if columns:
        lines += [
            "",
            "| column | of | test | score | threshold | outcome | found |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_column(one) for one in columns[:SHOWN_COLUMNS]]
    if len(columns) > SHOWN_COLUMNS:
        lines += ["", f"and {len(columns) - SHOWN_COLUMNS} more columns"]
    return "\n".join(lines)


def order_by_concern(columns: tuple[ColumnFinding, ...]) -> list[ColumnFinding]:
    """Put what failed first, then what is not known, each by how far it is over its threshold."""
    return sorted(columns, key=lambda one: (_CONCERN[one.outcome], -(one.score or 0.0) / one.threshold))


def _column(one: ColumnFinding) -> str:
    score = "" if one.score is None else f"{one.score:.3f}"
    cells = (one.column, one.part, one.test, score, f"{one.threshold:g}", one.outcome, one.reason)
    return f"| {' | '.join(_cell(str(cell)) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
