"""What did the newest look at each model find?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.adapters.window_store import NoWindowError, read_findings
from millrace.domain.facts import CROWNING_KINDS, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.settings import load_settings
from millrace.steps.status import list_names
from millrace.steps.stores import ledger


@dataclass(frozen=True)
class Newest:
    """One model; `since` is when its champion came, `found` None where it is damaged or not kept any more."""

    model: str
    since: datetime | None
    looked: WindowMonitored | None
    found: WindowFindings | None


def list_newest() -> list[Newest]:
    """Return the newest look at every model; one that cannot be read hides no other."""
    return [_find_newest(model) for model in list_names()]


def _find_newest(model: str) -> Newest:
    crowned, last = ledger().last(model, *CROWNING_KINDS), ledger().last(model, WindowMonitored)
    looked = last.fact if last and isinstance(last.fact, WindowMonitored) else None
    return Newest(model, crowned.at if crowned else None, looked, _read(model, looked) if looked else None)


def _read(model: str, looked: WindowMonitored) -> WindowFindings | None:
    try:
        found = read_findings(load_settings().monitoring, model, looked.start)
    except NoWindowError:
        return None
    # a window goes on under the same name: what is kept may be about a look that was never recorded
    return found if found.end == looked.end else None
