"""One look at a model in production: which window, what was found of it, and what goes into the ledger?"""

from datetime import datetime

from millrace.adapters.window_store import keep_window
from millrace.domain.claim import Claim
from millrace.domain.facts import CHAMPION_KINDS, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.window import Window, conclude, plan_window
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.stores import ledger, model_config


class UnmonitoredError(MillraceError):
    """A model of which nothing is to be watched, or nothing answers."""

    def __init__(self, model: str, found: str, advice: str) -> None:
        self.model, self.found = model, found
        super().__init__(f"{model} cannot be monitored: found {found}. {advice}")


def next_window(model: str, now: datetime) -> Window:
    """Return what has come since the last look.

    Raises
    ------
    UnmonitoredError
        If model.toml does not ask for it, or no version answers.
    """
    config, crowned = model_config(model), ledger().last(model, *CHAMPION_KINDS)
    champion = ledger().serving(model).champion
    if config.monitor is None:
        advice = "Add [monitor] and what is to be watched, such as [drift]: see docs/monitoring.md"
        raise UnmonitoredError(model, "no [monitor] in its model.toml", advice)
    if champion is None or crowned is None:
        raise UnmonitoredError(model, "no champion", f"`millrace retrain {model}` makes one")
    past = list_looks(model)
    last = past[-1] if past else None
    return plan_window(champion, crowned.at, last, config.data.label_delay, now)


def list_looks(model: str) -> list[WindowMonitored]:
    """Return every look there was, oldest first."""
    entries = ledger().entries(model, (WindowMonitored,))
    return [entry.fact for entry in entries if isinstance(entry.fact, WindowMonitored)]


def record_look(
    model: str, window: Window, counted: CountedWindow, found: WindowFindings, claim: Claim, now: datetime
) -> WindowMonitored:
    """Keep what was found and write into the ledger what follows from it, as one entry."""
    kept = keep_window(load_settings().monitoring, found, counted.reference, counted.window)
    fact = conclude(window, found, counted.rows, kept, list_looks(model), model_config(model))
    ledger().append(model, fact, now, current_actor(), claim)
    return fact
