"""Rollout: one look at what is on its way to be champion, or what a person says to it."""

from prefect import flow

from millrace.adapters import clock
from millrace.domain.rollout.advance import Transition
from millrace.steps.rollout import Act, ensure_seen
from tasks.alerts import send_alerts
from tasks.ending import end_rollout
from tasks.rollout import look_at_rollout, say_to_rollout, show_timeline
from tasks.run import name_person
from tasks.serve import publish_serving


@flow(name="rollout", flow_run_name="{model} · rollout · {act}", persist_result=False)
def rollout(
    model: str, act: Act = Act.LOOK, reason: str = "", who: str = "", generation: int | None = None
) -> Transition:
    """Look at a model's rollout and record what follows, or approve, reject, pause, resume or abort it.

    `reason` and `who`, which go to the ledger, are for what a person says; a look needs neither. To approve
    or reject, give the `generation` that you have looked at, which the timeline shows: a run that had to
    wait must not approve another step. The controller looks by itself, with Prefect down too, and asks for a
    run of this flow when something has happened, so that it is shown here.
    """
    now = clock.now()
    if act is Act.LOOK:
        transition = look_at_rollout(model, now)
    else:
        transition = say_to_rollout(model, act, reason, now, name_person(who), ensure_seen(act, generation))
    publish_serving(model, now)
    show_timeline(model, now)
    send_alerts(model, now)
    return end_rollout(model, transition)
