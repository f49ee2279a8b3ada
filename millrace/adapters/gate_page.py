"""What did the gate find of one challenger, on one page that can be passed around?"""

from pathlib import Path

from millrace.domain.config import Metric
from millrace.domain.facts import ChallengerJudged
from millrace.domain.losses import metric_value
from millrace.pages.rendering import make_environment
from millrace.pages.style import TABLES, read_style

OWN_STYLE = Path(__file__).with_name("templates") / "gate.css"


def render_gate(model: str, judged: ChallengerJudged, metric: Metric) -> str:
    """Render one self-contained HTML page: no script, no font, no network.

    The same judgement is the same page, whenever it is rendered.
    """
    measured = {
        name: {role: metric_value(metric, loss) for role, loss in losses.items()}
        for name, losses in judged.losses.items()
    }
    return make_environment("millrace.adapters").get_template("gate.html.j2").render(
        model=model,
        judged=judged,
        metric=metric.replace("_", " "),
        measured=measured,
        roles=list(dict.fromkeys(role for found in measured.values() for role in found)),
        style=read_style(TABLES, OWN_STYLE),
    )  # fmt: skip
