"""What is there to know about one model?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import CHAMPION_KINDS, ChallengerJudged, DecisionMade
from millrace.domain.ledger import Entry
from millrace.site.explaining import Explained, find_explained
from millrace.site.measured import Measured, list_measured
from millrace.site.overview import ModelLine, look_at_model
from millrace.site.reigns import Reign, list_reigns
from millrace.site.timeline import Timeline, lay_out
from millrace.steps.stores import ledger

DECISIONS, JUDGEMENTS = 20, 3
"""How many of the latest are shown."""


@dataclass(frozen=True)
class ModelPage:
    """One model as it was at `at`; champions oldest first, decisions and judgements newest first."""

    at: datetime
    line: ModelLine
    champions: tuple[Reign, ...]
    decisions: tuple[Entry, ...]
    judgements: tuple[Entry, ...]
    measured: Measured
    explained: Explained

    @property
    def timeline(self) -> Timeline:
        return lay_out(self.champions, self.at)


def gather_model(now: datetime, model: str) -> ModelPage:
    """Read what the ledger knows of the model.

    Raises
    ------
    UnknownModelError
        If neither a folder nor an entry has that name.
    """
    line = look_at_model(model)
    kinds = (DecisionMade, ChallengerJudged, *CHAMPION_KINDS)
    newest_first = ledger().entries(model, kinds)[::-1]
    decisions = [entry for entry in newest_first if isinstance(entry.fact, DecisionMade)]
    judgements = [entry for entry in newest_first if isinstance(entry.fact, ChallengerJudged)]
    return ModelPage(
        now,
        line,
        list_reigns(newest_first[::-1]),
        tuple(decisions[:DECISIONS]),
        tuple(judgements[:JUDGEMENTS]),
        list_measured(model, judgements[::-1]),
        find_explained(model, line.status.champion),
    )
