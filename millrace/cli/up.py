"""`millrace up`: what a person needs on this machine, until Ctrl-C."""

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from millrace.cli.output import console
from millrace.cli.port import Port

if TYPE_CHECKING:
    from millrace.adapters.supervisor import Change
    from millrace.steps.up import Stack

STOPPING = "stopping in order; Ctrl-C again stops at once"


def up(
    *,
    prefect_port: Annotated[Port, Parameter(env_var="MILLRACE_PREFECT_PORT")] = 4200,
    mlflow_port: Annotated[Port, Parameter(env_var="MILLRACE_MLFLOW_PORT")] = 5000,
    serve_port: Annotated[Port, Parameter(env_var="MILLRACE_SERVE_PORT")] = 8300,
    ui_port: Annotated[Port, Parameter(env_var="MILLRACE_UI_PORT")] = 8400,
) -> None:
    """Run Prefect, a worker, the controller, MLflow, the service and the status site, until Ctrl-C.

    All of it listens on 127.0.0.1 only and restarts what dies. What it prints is in one log.
    With MLFLOW_TRACKING_URI naming a server, no MLflow is started.

    Example: `millrace up --prefect-port 4300`, or `MILLRACE_PREFECT_PORT=4300 make up`.

    Parameters
    ----------
    prefect_port
        Where Prefect's server and its UI listen.
    mlflow_port
        Where the MLflow UI listens.
    serve_port
        Where the prediction service listens.
    ui_port
        Where the status site listens.
    """
    from millrace.steps.up import start_stack

    out, started = console(), time.monotonic()
    told: dict[str, str] = {}
    with start_stack(prefect_port, mlflow_port, serve_port, ui_port) as (stack, supervisor):
        out.print(f"starting; all that is printed goes to {_shown(stack.log)}", soft_wrap=True)
        for change in supervisor.changes(lambda: out.print(STOPPING)):
            words = _describe(change, stack)
            if words and told.get(change.program) != words:
                told[change.program] = words
                out.print(words, soft_wrap=True)
            if change.program == "deploy":
                out.print(_welcome(stack, time.monotonic() - started), soft_wrap=True)
    out.print("stopped; `make up` goes on from here")


def _welcome(stack: "Stack", seconds: float) -> str:
    from millrace.adapters.models import list_models

    model = next(iter(stack.inboxes or list_models(stack.settings.models)), "MODEL")
    tries = {
        f". {_shown(stack.client_file)}": "",
        "millrace data restore": "in a fresh clone: bring back the pinned data",
        **{f"cp FILE {_shown(inbox)}/": "a batch arrives" for inbox in [*stack.inboxes.values()][:1]},
        "millrace status": "what serves, and what is under way",
        f"prefect deployment run retrain/on-demand -p model={model}": "",
    }
    listed = "\n".join(f"  {command:<26}  {why}".rstrip() for command, why in tries.items())
    return f"""\
up after {seconds:.0f} s

Models   {stack.ui_url}  who answers, what is rolling out, and why
Prefect  {stack.prefect_url}  sign in with the line in {_shown(stack.auth_file)}
MLflow   {stack.mlflow_url}
Service  {stack.serve_url}/docs

In another shell:
{listed}

Ctrl-C stops all of it."""


def _describe(change: "Change", stack: "Stack") -> str:
    said = f": {change.last_line}" if change.last_line else ""
    log = _shown(stack.log)
    match change.program, change.state:
        case "deploy", _ if change.is_expected:
            return ""
        case "deploy", _:
            return f"deploy failed{said}. Put it right and run `millrace deploy` in another shell; see {log}"
        case program, "FATAL":
            return f"{program} does not stay up and was given up; see {log}, then Ctrl-C and `make up`"
        case program, "BACKOFF":
            return f"{program} ended while starting and is started again{said}"
        case program, _:
            return f"{program} ended and is started again{said}"


def _shown(path: Path) -> str:
    """Return the path as a shell takes it, from here if it is below here."""
    here = Path(os.environ.get("PWD", "")).resolve()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
