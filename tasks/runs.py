"""Flow runs that the controller asks Prefect for, and what became of them."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter, EventOccurredFilter, EventResourceFilter
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from millrace.domain.work import FlowName, Standing, Work
from millrace.errors import UnavailableError
from tasks.prefect_server import prefect_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

OURS = "millrace"
TAGS = (OURS, "controller")

STUCK_AFTER = timedelta(minutes=2)
"""A worker that dies leaves what it had taken pending or running for ever; what lives is heard of by then."""


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


def find_standing(name: str) -> Standing:
    """Return what became of the run called `name`."""
    with prefect_server() as client:
        wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[name]))
        found = client.read_flow_runs(flow_run_filter=wanted)
    if not found:
        return Standing.LOST
    return Standing.ENDED if found[0].state and found[0].state.is_final() else Standing.ALIVE


def crash_stuck_runs(in_hand: Collection[str]) -> list[str]:
    """Say of the runs that should have a process and are not heard of that they crashed; return their names.

    `in_hand` are the ids of the runs that hold a living claim: they are there, heard of or not.
    """
    before = datetime.now(UTC) - STUCK_AFTER
    unended = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[OURS]), state=FlowRunFilterState(type=unended))
    with prefect_server() as client:
        stuck = [
            run
            for run in client.read_flow_runs(flow_run_filter=wanted)
            if str(run.id) not in in_hand and _is_older(run, before) and not _is_heard(client, run, before)
        ]
        for run in stuck:
            _crash(client, run.id, "its process has not been heard of")
    return [run.name for run in stuck]


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


def _is_older(run: FlowRun, before: datetime) -> bool:
    return run.state is not None and run.state.timestamp < before


def _is_heard(client: "SyncPrefectClient", run: FlowRun, since: datetime) -> bool:
    occurred = EventOccurredFilter.model_validate({"since": since})
    of_run = EventResourceFilter(id=[f"prefect.flow-run.{run.id}"])
    return bool(client.read_events(EventFilter(occurred=occurred, resource=of_run), limit=1).events)


def _parameters(work: Work) -> dict[str, Any]:
    match work.flow:
        case FlowName.INGEST:
            files = list(work.files) or None
            return {"model": work.model, "files": files, "reason": work.reason, "detail": work.detail}
        case FlowName.RETRAIN:
            return {"model": work.model, "reason": work.reason}
        case FlowName.MONITOR:
            return {"model": work.model, "reason": work.reason}
        case FlowName.ROLLOUT:
            return {"model": work.model}
