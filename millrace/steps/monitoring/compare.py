"""How far is a window from its champion's reference, or from another window?"""

from dataclasses import replace
from datetime import datetime

from millrace.adapters.window_store import read_window_profile
from millrace.domain.monitoring.doubt import doubt
from millrace.domain.monitoring.findings import DriftFindings
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.monitoring.counting import CountedWindow
from millrace.steps.monitoring.drift import compare_windows
from millrace.steps.stores import model_config


class NoDriftPolicyError(MillraceError):
    """A model whose `model.toml` does not say what drift is."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model}: found no [drift] in its model.toml, which says how windows are compared")


def measure_drift(model: str, counted: CountedWindow) -> DriftFindings | None:
    """Judge a window against its champion's reference; None where `[drift]` is not asked for."""
    policy = model_config(model).drift
    if policy is None:
        return None
    found = compare_windows(counted.reference, counted.window, counted.troubles, policy)
    return replace(found, verdicts=doubt(found.verdicts, counted.damages))


def compare_kept(model: str, first: datetime, second: datetime) -> DriftFindings:
    """Judge the window that began at `second` against the one that began at `first`, by what is kept of them.

    Raises
    ------
    NoDriftPolicyError
        If `[drift]` is missing.
    """
    policy, folder = model_config(model).drift, load_settings().monitoring
    if policy is None:
        raise NoDriftPolicyError(model)
    usual, other = (read_window_profile(folder, model, start) for start in (first, second))
    return compare_windows(usual, other, {}, policy)
