"""What does a look at a rollout come to?"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.canonical import canonical_json
from millrace.domain.facts import AutomationResumed
from millrace.domain.rollout.advance import Transition, advance
from millrace.domain.rollout.evidence import Evidence
from millrace.domain.rollout.state import Phase, Rollout
from millrace.domain.verdict import Verdict
from millrace.durable import replace_file
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

    What cannot be measured is no evidence: nothing passes by it, and nothing fails. Where nothing comes of
    the look, a challenger that had to wait for another one begins, if it can.
    """
    enter_offline_rollbacks(model, now)
    rollout, pause = ledger().rollout(model), find_pause(model)
    transition = _look(rollout, pause, now)
    if transition.fact is not None or pause is not None:
        return transition
    # last, as it needs files that a look does without: model.toml, and the bundle that waits
    begun = start_pending(model, now)
    return begun if begun is not None and begun.fact is not None else transition


def _look(rollout: Rollout, pause: str | None, now: datetime) -> Transition:
    if rollout.phase is Phase.IDLE or rollout.policy is None:
        return Transition(None, rollout, "nothing is on its way")
    evidence, trouble = _gather(rollout, now)
    transition = advance(_held(rollout, pause), evidence, rollout.policy, now)
    if trouble is not None and transition.fact is None:
        transition = replace(transition, reason=f"cannot be measured: {trouble}")
    try:
        if transition.fact is not None:
            ledger().change_rollout(rollout, transition.fact, now, current_actor())
    except StaleGenerationError:
        return Transition(None, ledger().rollout(rollout.model), "somebody else changed it meanwhile")
    _keep(rollout, transition, evidence, now)
    return transition


def last_look(model: str) -> Look | None:
    """Return what the last look found, None where none was taken, or its file cannot be read."""
    try:
        return msgspec.json.decode(_look_file(model).read_bytes(), type=Look)
    except (OSError, msgspec.MsgspecError):
        return None


def _held(rollout: Rollout, pause: str | None) -> Rollout:
    """Return the rollout as it is while all automatic work is paused, and with its time anew afterwards."""
    resumed = ledger().last(rollout.model, AutomationResumed)
    times = [at for at in (rollout.waits_since, resumed.at if resumed else None) if at is not None]
    return replace(rollout, paused=rollout.paused or pause, waits_since=max(times, default=None))


def _gather(rollout: Rollout, now: datetime) -> tuple[Evidence | None, str | None]:
    try:
        evidence = gather_evidence(rollout, now)
        canonical_json(evidence)  # what cannot be recorded, such as an infinite sum, proves nothing
    except Exception as error:  # noqa: BLE001 - a deadline must come, whatever keeps evidence away
        log.warning("%s: no evidence about its rollout: %s", rollout.model, error)
        return None, f"{type(error).__name__}: {error}"
    return evidence, None


def _keep(rollout: Rollout, transition: Transition, evidence: Evidence | None, now: datetime) -> None:
    fact = transition.fact
    look = Look(
        rollout.model, now, rollout.on_trial or "", rollout.generation, transition.reason,
        transition.verdicts, evidence, type(fact).__name__ if fact else None,
    )  # fmt: skip
    try:
        replace_file(_look_file(rollout.model), canonical_json(look).encode())
    except OSError as error:  # the turn is in the ledger, and must be published whatever the disk says
        log.warning("%s: the look cannot be kept for `millrace rollout status`: %s", rollout.model, error)


def _look_file(model: str) -> Path:
    return load_settings().var / "rollouts" / f"{model}.json"
