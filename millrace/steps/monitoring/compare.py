"""How far is a window from its champion's reference, or from another window?"""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from millrace.adapters.verbs import run_verb
from millrace.adapters.window_store import list_starts, read_window_profile
from millrace.domain.monitoring.doubt import doubt
from millrace.domain.monitoring.findings import DriftFindings
from millrace.domain.monitoring.window import DRIFTS
from millrace.domain.verdict import Outcome, Verdict
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.stores import model_config


class NoDriftPolicyError(MillraceError):
    """A model whose `model.toml` does not say what drift is."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model}: found no [drift] in its model.toml, which says how windows are compared")


class UnclearWindowError(MillraceError):
    """No window, or more than one, began at a time that was given."""

    def __init__(self, model: str, given: str, there: list[str]) -> None:
        self.model, self.given, self.there = model, given, there
        newest = ", ".join(there[-5:]) or "none"
        super().__init__(
            f"{model}: needed the start of one window, {given!r} is not; there are {newest}. "
            f"`millrace monitor status {model}` shows the newest"
        )


def measure_drift(model: str, counted: CountedWindow) -> DriftFindings | None:
    """Judge a window against its champion's reference; None where `[drift]` is not asked for."""
    config = model_config(model)
    policy = config.drift
    if policy is None:
        return None
    from millrace.steps.monitoring.drift import compare_windows

    if counted.uncomparable is not None:
        unknown = (Verdict(rule, Outcome.INCONCLUSIVE, counted.uncomparable) for rule in DRIFTS)
        return DriftFindings(counted.rows, (), None, tuple(unknown))
    found = compare_windows(counted.reference, counted.window, counted.troubles, policy, config.performance)
    return replace(found, verdicts=doubt(found.verdicts, counted.damages))


def compare_kept(model: str, first: str, second: str) -> DriftFindings:
    """Judge the window that began at `second` against the one that began at `first`, by what is kept of them.

    Both are the beginning of an ISO 8601 time in UTC, such as `2013-05-06T06:00`.

    Raises
    ------
    NoDriftPolicyError
        If `[drift]` is missing.
    UnclearWindowError
        If no window began then, or more than one.
    """
    from millrace.steps.monitoring.drift import compare_windows

    config, folder = model_config(model), load_settings().monitoring
    if (policy := config.drift) is None:
        raise NoDriftPolicyError(model)
    starts = list_starts(folder, model)
    usual, other = (
        read_window_profile(folder, model, _choose(model, given, starts)) for given in (first, second)
    )
    return compare_windows(usual, other, {}, policy, config.performance)


def compare_beside(model: str, first: datetime, second: datetime) -> DriftFindings:
    """Do the same in a process of its own: what compares takes seconds to import, and stays in memory."""
    said = run_verb("monitor", "compare", model, _spell(first), _spell(second), "--json")
    return msgspec.json.decode(said, type=DriftFindings)


def _choose(model: str, given: str, starts: list[datetime]) -> datetime:
    asked = given.strip().replace(" ", "T")
    found = [start for start in starts if _spell(start).startswith(asked)]
    found = [start for start in found if _spell(start) == asked] or found
    if len(found) != 1:
        raise UnclearWindowError(model, given, [_spell(start) for start in found or starts])
    return found[0]


def _spell(start: datetime) -> str:
    return start.astimezone(UTC).replace(tzinfo=None).isoformat()
