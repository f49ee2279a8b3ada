"""Flow runs that the controller asks Prefect for, and what became of them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from millrace.domain.work import FlowName, Standing, Work
from millrace.errors import UnavailableError
from tasks.prefect_server import prefect_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

TAGS = ("millrace", "controller")

STUCK_AFTER = timedelta(minutes=2)
"""A worker that died between taking a run and starting it leaves the run pending for ever."""


class UndeployedError(UnavailableError):
    """Prefect does not know the deployment that a run is to be of: its database is new, perhaps."""

    def __init__(self, deployment: str) -> None:
        self.deployment = deployment
        super().__init__(f"Prefect does not know the deployment {deployment}: run `millrace deploy`")


def start_run(work: Work, name: str) -> None:
    """Ask for the flow run called `name`; asked again, it is the same run."""
    name_of_deployment = f"{work.flow}/on-demand"
    with prefect_server() as client:
        try:
            deployment = client.read_deployment_by_name(name_of_deployment)
        except ObjectNotFound as error:
            raise UndeployedError(name_of_deployment) from error
        client.create_flow_run_from_deployment(
            deployment.id,
            parameters=_parameters(work),
            tags=[*TAGS, work.model],
            idempotency_key=name,
        )


def find_standing(name: str, is_in_hand: bool) -> Standing:
    """Return what became of the run called `name`; one that is stuck is said to have crashed.

    `is_in_hand` says whether a living process has a claim on its work.
    """
    with prefect_server() as client:
        wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[name]))
        found = client.read_flow_runs(flow_run_filter=wanted)
        if not found:
            return Standing.LOST
        if not is_in_hand and _is_stuck(found[0]):
            _crash(client, found[0].id, "its process has not been heard of")
            return Standing.ENDED
        return Standing.ENDED if found[0].state and found[0].state.is_final() else Standing.ALIVE


def mark_crashed(run_id: str) -> None:
    """Say in the UI that a run has ended whose process is gone; an owner that is no flow run is left."""
    try:
        flow_run_id = UUID(run_id)
    except ValueError:
        return
    with prefect_server() as client:
        try:
            run = client.read_flow_run(flow_run_id)
        except ObjectNotFound:
            return
        if run.state is not None and run.state.is_running():
            _crash(client, run.id, "its process is gone")


def _crash(client: "SyncPrefectClient", run_id: UUID, reason: str) -> None:
    client.set_flow_run_state(run_id, Crashed(message=f"The controller says: {reason}."), force=True)


def _is_stuck(run: FlowRun) -> bool:
    if run.state is None or not (run.state.is_pending() or run.state.is_running()):
        return False
    return datetime.now(UTC) - run.state.timestamp > STUCK_AFTER


def _parameters(work: Work) -> dict[str, Any]:
    match work.flow:
        case FlowName.INGEST:
            return {"model": work.model, "files": list(work.files) or None}
        case FlowName.RETRAIN:
            return {"model": work.model, "reason": work.reason}
