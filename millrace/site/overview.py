"""Which models are there, and what about each must a person know?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.errors import MillraceError
from millrace.steps.reconcile import find_trouble
from millrace.steps.status import ModelStatus, list_status


@dataclass(frozen=True)
class ModelLine:
    """One model; `trouble` is what differs from the ledger, None where nothing does."""

    status: ModelStatus
    trouble: str | None


@dataclass(frozen=True)
class Overview:
    """All models as they were at `at`."""

    at: datetime
    models: tuple[ModelLine, ...]


def gather_overview(now: datetime) -> Overview:
    """Ask after every model; one that is in trouble hides no other."""
    return Overview(now, tuple(ModelLine(one, tell_trouble(one.model)) for one in list_status()))


def tell_trouble(model: str) -> str | None:
    """Return what differs from the ledger or kept us from comparing it, None when all is as it says."""
    try:
        return find_trouble(model)
    except (MillraceError, OSError) as error:
        return str(error)
