"""One look at a model in production: which window, what was found of it, and what goes into the ledger?"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from millrace.adapters.window_store import keep_window
from millrace.domain.claim import Claim
from millrace.domain.facts import CROWNING_KINDS, ChampionPromoted, ChampionRolledBack, WindowMonitored
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.window import Window, conclude, has_decided, plan_window
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.stores import ledger, model_config

READ, REMEMBERED = 5_000, 200
"""So many looks are read to see since when something fails, and so many remembered: years have more."""


class UnmonitoredError(MillraceError):
    """A model of which nothing is to be watched, or nothing answers."""

    def __init__(self, model: str, found: str, advice: str) -> None:
        self.model, self.found = model, found
        super().__init__(f"{model} cannot be monitored: found {found}. {advice}")


@dataclass(frozen=True)
class _Reign:
    """Which version answers, since when, and by which entry."""

    champion: str
    since: datetime
    seq: int


def find_hindrance(model: str, now: datetime) -> UnmonitoredError | None:
    """Say why there is no window to look at, if there is none."""
    try:
        next_window(model, now)
    except UnmonitoredError as error:
        return error
    return None


def next_window(model: str, now: datetime) -> Window:
    """Return what has come since the last look.

    Raises
    ------
    UnmonitoredError
        If model.toml does not ask for it, or no version answers.
    """
    config, reign = model_config(model), _find_reign(model)
    if config.monitor is None:
        advice = "Add [monitor] and what is to be watched, such as [drift]: see docs/monitoring.md"
        raise UnmonitoredError(model, "no [monitor] in its model.toml", advice)
    if reign is None:
        raise UnmonitoredError(model, "no champion", f"`millrace retrain {model}` makes one")
    looked = find_newer_look(model, reign.seq)
    return plan_window(reign.champion, reign.since, looked, config.data.label_delay, now)


def newest_look(model: str) -> int:
    """Return the number of the entry about the last look, 0 where there is none."""
    last = ledger().last(model, WindowMonitored)
    return last.seq if last else 0


def find_newer_look(model: str, seq: int) -> WindowMonitored | None:
    """Return the last look if its entry came after number `seq`."""
    last = ledger().last(model, WindowMonitored)
    if last is None or not isinstance(last.fact, WindowMonitored) or last.seq <= seq:
        return None
    return last.fact


def _find_reign(model: str) -> _Reign | None:
    crowned = ledger().last(model, *CROWNING_KINDS)
    match crowned.fact if crowned else None:
        case ChampionPromoted() | ChampionRolledBack() as fact if crowned is not None:
            return _Reign(fact.digest, crowned.at, crowned.seq)
        case _:
            return None


def list_looks(model: str) -> list[WindowMonitored]:
    """Return the last look and those before it that came to a word on drift or performance, oldest first.

    A window that goes on is looked at often before there is anything to judge.
    """
    entries = islice(ledger().newest_first(model, WindowMonitored), READ)
    looks = (entry.fact for entry in entries if isinstance(entry.fact, WindowMonitored))
    newest = next(looks, None)
    if newest is None:
        return []
    return [newest, *islice(filter(has_decided, looks), REMEMBERED)][::-1]


def record_look(
    model: str, window: Window, counted: CountedWindow, found: WindowFindings, claim: Claim, now: datetime
) -> WindowMonitored:
    """Keep what was found, and write what follows from it into the ledger, as one entry and once."""
    past = list_looks(model)
    if past and (past[-1].digest, past[-1].start, past[-1].end) == (window.digest, window.start, window.end):
        return past[-1]
    kept = keep_window(load_settings().monitoring, found, counted.reference, counted.window)
    fact = conclude(window, found, counted.rows, kept, past, model_config(model))
    ledger().append(model, fact, now, current_actor(), claim)
    return fact
