"""How far is what is on its way?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.facts import ROLLOUT_KINDS, RolloutStarted
from millrace.domain.rollout.state import Phase, Rollout
from millrace.domain.rollout.timeline import Turn, list_turns
from millrace.steps.rollout.begin import Passed, find_pending
from millrace.steps.rollout.look import Look, last_look
from millrace.steps.stores import ensure_known, ledger


@dataclass(frozen=True)
class RolloutStatus:
    """A model's rollout at a glance; `turns` are those of the newest one, oldest first.

    `look` is what was found last of the version on trial now, `waiting` what begins once nothing else does.
    """

    rollout: Rollout
    ends_at: datetime | None
    bound_seconds: float | None
    look: Look | None
    waiting: Passed | None
    turns: tuple[Turn, ...]


def rollout_status(model: str) -> RolloutStatus:
    """Return how far the model's rollout is; idle is a status too."""
    ensure_known(model)
    rollout = ledger().rollout(model)
    policy, look = rollout.policy, last_look(model)
    is_current = look is not None and (look.digest, look.generation) == (rollout.on_trial, rollout.generation)
    return RolloutStatus(
        rollout=rollout,
        ends_at=_ends_at(rollout),
        bound_seconds=policy.bound.total_seconds() if policy else None,
        look=look if is_current else None,
        waiting=find_pending(model),
        turns=tuple(_list_newest_turns(model)),
    )


def _list_newest_turns(model: str) -> list[Turn]:
    """List the turns of the newest rollout, oldest first, with what became of its champion since."""
    began = ledger().last(model, RolloutStarted)
    history = ledger().entries(model, ROLLOUT_KINDS, after_seq=began.seq - 1 if began else 0)
    return list(list_turns(model, history))


def list_on_trial() -> list[str]:
    """Name the models that have something on trial, or waiting for it."""
    models = [serving.model for serving in ledger().list_serving()]
    return [
        model
        for model in models
        if ledger().rollout(model).phase is not Phase.IDLE or find_pending(model) is not None
    ]


def _ends_at(rollout: Rollout) -> datetime | None:
    if rollout.policy is None or rollout.waits_since is None:
        return None
    is_proving = rollout.phase is Phase.PROBATION
    return rollout.waits_since + (
        rollout.policy.probation_deadline if is_proving else rollout.policy.deadline
    )
