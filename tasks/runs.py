"""Flow runs that the controller asks Prefect for, and what became of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from prefect.states import Crashed

from millrace.domain.work import FlowName, Standing, Work
from millrace.errors import UnavailableError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

TAGS = ("millrace", "controller")

STUCK_AFTER = timedelta(minutes=2)
"""A worker that died between taking a run and starting it leaves the run pending for ever."""


class PrefectUnavailableError(UnavailableError):
    """Prefect's API cannot be used now."""

    def __init__(self, reason: str) -> None:
        self.address, self.reason = PREFECT_API_URL.value(), reason
        super().__init__(
            f"Prefect at {self.address} cannot be used: {reason}. `make up` starts it on this machine; "
            "PREFECT_API_URL and PREFECT_API_AUTH_STRING name another"
        )


def start_run(work: Work, name: str) -> None:
    """Ask for the flow run called `name`; asked again, it is the same run."""
    with _prefect() as client:
        deployment = client.read_deployment_by_name(f"{work.flow}/on-demand")
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
    with _prefect() as client:
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
    with _prefect() as client:
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


@contextmanager
def _prefect() -> Iterator["SyncPrefectClient"]:
    try:
        with get_client(sync_client=True) as client:
            yield client
    except ObjectNotFound as error:
        raise PrefectUnavailableError("it does not know the deployments, run `millrace deploy`") from error
    except PrefectHTTPStatusError as error:
        raise PrefectUnavailableError(f"it answered {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise PrefectUnavailableError(str(error) or type(error).__name__) from error
