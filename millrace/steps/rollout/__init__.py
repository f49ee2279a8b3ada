"""A challenger's way to champion: how it begins, what each look at it comes to, what people say to it."""

from millrace.steps.rollout.begin import find_pending, start_pending, start_rollout
from millrace.steps.rollout.look import Look, last_look, look_at_rollout
from millrace.steps.rollout.people import Act, UnseenStepError, ensure_seen, say_to_rollout
from millrace.steps.rollout.status import RolloutStatus, list_on_trial, rollout_status
from millrace.steps.rollout.watch import RolloutWatch

__all__ = [
    "Act",
    "Look",
    "RolloutStatus",
    "RolloutWatch",
    "UnseenStepError",
    "ensure_seen",
    "find_pending",
    "last_look",
    "list_on_trial",
    "look_at_rollout",
    "rollout_status",
    "say_to_rollout",
    "start_pending",
    "start_rollout",
]
