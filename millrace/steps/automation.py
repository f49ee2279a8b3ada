"""May work on a model start by itself?"""

from datetime import datetime

from millrace.domain.facts import AutomationPaused, AutomationResumed
from millrace.errors import MissingReasonError
from millrace.steps.actor import current_actor
from millrace.steps.stores import ensure_known, ledger


def find_pause(model: str) -> str | None:
    """Return who paused all automatic work on the model and why, None when nobody has."""
    entries = ledger().entries(model, (AutomationPaused, AutomationResumed))
    last = entries[-1] if entries else None
    if last is None or not isinstance(last.fact, AutomationPaused):
        return None
    return f"{last.actor} at {last.at:%Y-%m-%d %H:%M} UTC: {last.fact.reason}"


def pause_model(model: str, reason: str, now: datetime) -> AutomationPaused:
    """Stop all automatic work on the model; what a person asks for is still done, what runs goes on."""
    fact = AutomationPaused(_ensure_reason("pause", reason))
    ensure_known(model)
    ledger().append(model, fact, now, current_actor())
    return fact


def resume_model(model: str, reason: str, now: datetime) -> AutomationResumed:
    """Let automatic work go on, and what was parked be tried again."""
    fact = AutomationResumed(_ensure_reason("resume", reason))
    ensure_known(model)
    ledger().append(model, fact, now, current_actor())
    return fact


def _ensure_reason(act: str, reason: str) -> str:
    if not reason.strip():
        raise MissingReasonError(act)
    return reason
