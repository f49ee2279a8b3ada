"""`millrace deploy`: tell Prefect's server what there is to run, and when."""

from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, table

if TYPE_CHECKING:
    from flows.deployments import Deployed


SHOWN_SCHEDULES = 5
"""Of one deployment: there may be hundreds of models."""


def deploy(*, json: bool = False) -> None:
    """Register the flows of prefect.yaml and the schedules of the models with a Prefect server.

    What differs is put right, what is no longer wanted is removed, and all is read back.
    The server is the one of PREFECT_API_URL; `make up` starts one and deploys by itself.

    Example: `millrace deploy`, after a schedule in a model.toml or prefect.yaml was changed.

    Parameters
    ----------
    json
        Write what was put right as JSON.
    """
    from flows.deployments import deploy as register

    done = register()
    if json:
        print_json({"url": done.url, "put_right": [str(one) for one in done.put_right]})
    else:
        _show(done)


def _show(done: "Deployed") -> None:
    out = console()
    for difference in done.put_right:
        out.print(f"put right: {difference}", soft_wrap=True)
    shown = table("deployment", "at, in UTC", "on")
    for one in done.deployments:
        times = [f"{model} {facts['cron']}" for model, facts in one.schedules.items()]
        more = [f"{len(times) - SHOWN_SCHEDULES} more"] if len(times) > SHOWN_SCHEDULES else []
        shown.add_row(one.name, "\n".join(times[:SHOWN_SCHEDULES] + more), "\n".join(one.triggers))
    out.print(shown)
    changed = f"{len(done.put_right)} put right" if done.put_right else "nothing to change"
    out.print(f"{done.url}: as prefect.yaml and the models say, {changed}", soft_wrap=True)
