"""What is on its way to serve."""

from datetime import datetime

from millrace.domain.rollout.timeline import timeline_table
from millrace.steps import rollout
from tasks.retries import network_task
from tasks.show import show_markdown

start_rollout = network_task("start the rollout")(rollout.start_rollout)
look_at_rollout = network_task("look at the rollout")(rollout.look_at_rollout)
say_to_rollout = network_task("say it to the rollout")(rollout.say_to_rollout)


@network_task("show the timeline")
def show_timeline(model: str, now: datetime) -> None:
    """Show each turn of the newest rollout in the UI, with weights, evidence and verdicts."""
    status = rollout.rollout_status(model)
    at = f"generation {status.rollout.generation}, as of {now:%Y-%m-%d %H:%M:%S} UTC"
    where = f"{model}: {status.rollout.phase}, {at}"
    show_markdown(model, "rollout", f"**{where}**\n\n{timeline_table(status.turns)}", where)
