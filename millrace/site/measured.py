"""What did the gate measure of one version after the other?"""

from collections.abc import Iterable
from dataclasses import dataclass

from millrace.domain.config import Metric
from millrace.domain.facts import ChallengerJudged
from millrace.domain.ledger import Entry
from millrace.errors import MillraceError
from millrace.site.charts import Drawn, Point, draw_judgements
from millrace.steps.stores import model_config

LATEST = 60
"""How many of the latest are drawn."""
FEWEST = 2
"""One point shows no course."""

SET = "recent"


@dataclass(frozen=True)
class Measured:
    """What `metric` was on the recent set, as people read it, oldest first; that set moves on with time."""

    metric: str
    points: tuple[Point, ...]

    def charts(self, model: str) -> Drawn:
        """Draw it, if there is a course to be seen."""
        name = f"{model}-judged"
        return draw_judgements(name, self.metric, self.points) if len(self.points) >= FEWEST else {}


def list_measured(model: str, judgements: Iterable[Entry]) -> Measured:
    """Read the judgements by the gate's metric of today; none where that cannot be read.

    Those by another one are left out: on one axis they would show a course that there was not.
    """
    from millrace.steps.gate.own_loss import name_terms

    try:
        config = model_config(model)
        metric, terms = config.gate.metric, name_terms(config)
    except MillraceError:
        return Measured("", ())
    from millrace.domain.losses import name_metric

    found = (_read_point(entry, metric, terms) for entry in judgements)
    points = [point for point in found if point is not None]
    return Measured(name_metric(metric), tuple(points[-LATEST:]))


def _read_point(entry: Entry, metric: Metric, terms: str) -> Point | None:
    from millrace.domain.losses import metric_value

    if not isinstance(entry.fact, ChallengerJudged) or entry.fact.known_metric not in {"", metric}:
        return None
    if entry.fact.terms != terms:
        return None
    losses = entry.fact.losses.get(SET, {})
    read = {role: metric_value(metric, loss) for role, loss in losses.items()}
    if "challenger" not in read:
        return None
    return Point(entry.at, entry.fact.outcome, read["challenger"], read.get("champion"))
