"""Which models are there, and what about each must a person know?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import WindowMonitored
from millrace.domain.rollout.state import Rollout
from millrace.domain.verdict import Outcome
from millrace.errors import MillraceError
from millrace.steps.changes import Marks, list_marks
from millrace.steps.reconcile import find_trouble
from millrace.steps.status import ModelStatus, list_status
from millrace.steps.stores import ledger


@dataclass(frozen=True)
class ModelLine:
    """One model; `trouble` is what differs from the ledger, None where nothing does.

    `failing` is what the newest look at its champion found to be not as it should be.
    """

    status: ModelStatus
    trouble: str | None
    rollout: Rollout
    failing: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """All models as they were at `at`."""

    at: datetime
    models: tuple[ModelLine, ...]


class Overviews:
    """Asks after every model; after one that was well and of which nothing has changed since, once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Marks, ModelLine]] = {}

    def __call__(self, now: datetime) -> Overview:
        """Return all models; one that is in trouble hides no other."""
        # the marks come first: what changes while a model is looked at is seen the next time
        marks = list_marks()
        self._known = {model: self._look(model, found) for model, found in marks.items()}
        return Overview(now, tuple(line for _, line in self._known.values()))

    def _look(self, model: str, marks: Marks) -> tuple[Marks, ModelLine]:
        known = self._known.get(model)
        # trouble is looked at again: what made it, a claim or a full disk, need not be among the marks
        if known is not None and known[0] == marks and known[1].trouble is None:
            return known
        return marks, look_at_model(model)


def look_at_model(model: str) -> ModelLine:
    """Ask after one model.

    Raises
    ------
    UnknownModelError
        If neither a folder nor an entry has that name.
    """
    [status] = list_status(model)
    failing = _list_failing(model, status.champion)
    return ModelLine(status, _tell_trouble(model), ledger().rollout(model), failing)


def _list_failing(model: str, champion: str | None) -> tuple[str, ...]:
    """Name what failed in the newest window; one about another champion says nothing of this one."""
    last = ledger().last(model, WindowMonitored)
    if last is None or not isinstance(last.fact, WindowMonitored) or last.fact.digest != champion:
        return ()
    return tuple(one.rule for one in last.fact.standing if one.outcome is Outcome.FAIL)


def _tell_trouble(model: str) -> str | None:
    """Return what differs from the ledger or kept us from comparing it, None when all is as it says."""
    try:
        return find_trouble(model)
    except (MillraceError, OSError) as error:
        return str(error)
