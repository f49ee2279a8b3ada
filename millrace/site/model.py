"""What is there to know about one model?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import ChallengerJudged, ChampionPromoted, ChampionRolledBack, DecisionMade
from millrace.domain.ledger import Entry
from millrace.site.overview import ModelLine, tell_trouble
from millrace.site.reigns import Reign, list_reigns
from millrace.site.timeline import Timeline, lay_out
from millrace.steps.status import list_status
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
    [status] = list_status(model)
    kinds = (DecisionMade, ChallengerJudged, ChampionPromoted, ChampionRolledBack)
    newest_first = ledger().entries(model, kinds)[::-1]
    decisions = [entry for entry in newest_first if isinstance(entry.fact, DecisionMade)]
    judgements = [entry for entry in newest_first if isinstance(entry.fact, ChallengerJudged)]
    return ModelPage(
        now,
        ModelLine(status, tell_trouble(model)),
        list_reigns(newest_first[::-1]),
        tuple(decisions[:DECISIONS]),
        tuple(judgements[:JUDGEMENTS]),
    )
