"""What does a look at a rollout come to?"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.canonical import canonical_json
from millrace.domain.rollout.advance import Transition, advance
from millrace.domain.rollout.evidence import Evidence
from millrace.domain.rollout.state import Phase, Rollout
from millrace.domain.verdict import Verdict
from millrace.durable import replace_file
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.automation import find_pause
from millrace.steps.evidence import gather_evidence
from millrace.steps.offline_rollback import enter_offline_rollbacks
from millrace.steps.rollout.begin import start_pending
from millrace.steps.stores import ledger

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What was found at the last look, and why it led to what it did; `recorded` names the entry's kind."""

    model: str
    at: datetime
    digest: str
    generation: int
    reason: str
    verdicts: tuple[Verdict, ...]
    evidence: Evidence | None
    recorded: str | None


def look_at_rollout(model: str, now: datetime) -> Transition:
    """Take one look at what is on its way, and record what it leads to; nothing that serves is published.

    A challenger that had to wait for another one begins. What cannot be measured is no evidence: nothing
    passes by it, and nothing fails.
    """
    enter_offline_rollbacks(model, now)
    pause = find_pause(model)
    begun = start_pending(model, now) if pause is None else None
    if begun is not None and begun.fact is not None:
        return begun
    rollout = ledger().rollout(model)
    if rollout.phase is Phase.IDLE or rollout.policy is None:
        return Transition(None, rollout, "nothing is on its way")
    evidence, trouble = _gather(rollout, now)
    # who pauses all automatic work on a model does not want it to get a new champion meanwhile
    held = replace(rollout, paused=rollout.paused or pause)
    transition = advance(held, evidence, rollout.policy, now)
    if trouble is not None and transition.fact is None:
        transition = replace(transition, reason=f"cannot be measured: {trouble}")
    try:
        if transition.fact is not None:
            ledger().change_rollout(rollout, transition.fact, now, current_actor())
    except StaleGenerationError:
        return Transition(None, ledger().rollout(model), "somebody else changed it meanwhile")
    _keep(rollout, transition, evidence, now)
    return transition


def last_look(model: str) -> Look | None:
    """Return what the last look found, None where none was taken, or its file cannot be read."""
    try:
        return msgspec.json.decode(_look_file(model).read_bytes(), type=Look)
    except (OSError, msgspec.MsgspecError):
        return None


def _gather(rollout: Rollout, now: datetime) -> tuple[Evidence | None, str | None]:
    try:
        return gather_evidence(rollout, now), None
    except (MillraceError, OSError) as error:
        log.warning("%s: no evidence about its rollout: %s", rollout.model, error)
        return None, str(error)


def _keep(rollout: Rollout, transition: Transition, evidence: Evidence | None, now: datetime) -> None:
    fact = transition.fact
    look = Look(
        rollout.model, now, rollout.on_trial or "", rollout.generation, transition.reason,
        transition.verdicts, evidence, type(fact).__name__ if fact else None,
    )  # fmt: skip
    replace_file(_look_file(rollout.model), canonical_json(look).encode())


def _look_file(model: str) -> Path:
    return load_settings().var / "rollouts" / f"{model}.json"
