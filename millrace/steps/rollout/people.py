"""What may a person say to a rollout?"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.rollout import advance
from millrace.domain.rollout.advance import Transition
from millrace.domain.rollout.state import Rollout
from millrace.errors import MillraceError, MissingReasonError
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


class UnseenStepError(MillraceError):
    """An approval or a rejection that may be about another step than the one that waits."""

    def __init__(self, act: Act) -> None:
        self.act = act
        super().__init__(
            f"to {act}, give the generation that you have looked at: this run may have waited, and another "
            "step may wait by now. The rollout's timeline shows it, and `millrace rollout status`"
        )


def ensure_seen(act: Act, seen: int | None) -> int | None:
    """Return the generation a person has looked at, who may be heard much later.

    Raises
    ------
    UnseenStepError
        If none is given for an approval or a rejection.
    """
    if seen is None and act in {Act.APPROVE, Act.REJECT}:
        raise UnseenStepError(act)
    return seen


def say_to_rollout(
    model: str, act: Act, reason: str, now: datetime, actor: str | None = None, seen: int | None = None
) -> Transition:
    """Record what a person said, with who and why; where it changes nothing, nothing is recorded.

    `seen` is the generation the person has looked at, where that is known. Nothing that serves is published.

    Raises
    ------
    MissingReasonError
        If no reason is given.
    StaleGenerationError
        If the rollout has moved on since `seen`.
    """
    if not reason.strip():
        raise MissingReasonError(act)
    ensure_known(model)
    while True:
        rollout = ledger().rollout(model)
        if seen is not None and seen != rollout.generation:
            raise StaleGenerationError(model, seen, rollout.generation)
        transition = _SAYS[act](rollout, reason, now)
        if transition.fact is None:
            return transition
        try:
            ledger().change_rollout(rollout, transition.fact, now, actor or current_actor())
        except StaleGenerationError:
            continue  # it is said to what is there now
        return transition
