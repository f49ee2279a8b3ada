"""What may a person say to a rollout?"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.rollout import advance
from millrace.domain.rollout.advance import Transition
from millrace.domain.rollout.state import Rollout
from millrace.errors import MissingReasonError
from millrace.steps.actor import current_actor
from millrace.steps.stores import ensure_known, ledger

Say = Callable[[Rollout, str, datetime], Transition]


class Act(StrEnum):
    """What can be done with a rollout: a look at it, or what a person says."""

    LOOK = "look"
    APPROVE = "approve"
    REJECT = "reject"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"


_SAYS: dict[Act, Say] = {
    Act.APPROVE: advance.approve,
    Act.REJECT: advance.reject,
    Act.ABORT: advance.abort,
    Act.PAUSE: advance.pause,
    Act.RESUME: advance.resume,
}


def say_to_rollout(model: str, act: Act, reason: str, now: datetime, actor: str | None = None) -> Transition:
    """Record what a person said, with who and why; where it changes nothing, nothing is recorded.

    Nothing that serves is published.

    Raises
    ------
    MissingReasonError
        If no reason is given.
    """
    if not reason.strip():
        raise MissingReasonError(act)
    ensure_known(model)
    while True:
        rollout = ledger().rollout(model)
        transition = _SAYS[act](rollout, reason, now)
        if transition.fact is None:
            return transition
        try:
            ledger().change_rollout(rollout, transition.fact, now, actor or current_actor())
        except StaleGenerationError:
            continue  # it is said to what is there now
        return transition
