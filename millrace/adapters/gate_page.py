"""What did the gate find of one challenger, on one page that can be passed around?"""

from pathlib import Path

from millrace.domain.gate.report import GateReport
from millrace.domain.gate.telling import SAY
from millrace.pages.rendering import make_environment
from millrace.pages.style import GATE, TABLES, read_style

OWN_STYLE = Path(__file__).with_name("templates") / "gate.css"


def render_gate(report: GateReport) -> str:
    """Render one self-contained HTML page: no script, no font, no network.

    The same report is the same page, whenever it is rendered.
    """
    return make_environment("millrace.adapters").get_template("gate.html.j2").render(
        report=report, say=SAY, style=read_style(TABLES, GATE, OWN_STYLE)
    )  # fmt: skip
