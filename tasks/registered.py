"""Which of our deployments, schedules and triggers does Prefect's server have?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from millrace.domain.deployment import Deployment, Difference, Facts, list_differences
from millrace.steps.deployments import OURS

WORK_POOL_TYPE = "process"

_PAGE = 200
"""As much as Prefect gives at once."""

_USUAL: Facts = {
    "after": [],
    "for_each": [],
    "match_related": {},
    "tags": [],
    "owner_resource": None,
    "actions_on_trigger": [],
    "actions_on_resolve": [],
    "source": "selected",
    "job_variables": None,
    "schedule_after": 0.0,
}
"""What a trigger of prefect.yaml never says: shown as a difference only where it is otherwise."""


@dataclass(frozen=True)
class Registered:
    """What the server had when it was asked, with the ids to change it by."""

    pools: frozenset[str]
    deployments: dict[str, DeploymentResponse]
    automations: list[Automation]

    def list_differences(self, wanted: Sequence[Deployment]) -> list[Difference]:
        """Compare all of it with what is wanted; empty when there is nothing to do."""
        found = [self._as_found(name) for name in self.deployments]
        pools = {str(one.settings["work_pool_name"]) for one in wanted}
        return [
            *(Difference(f"work pool {pool}", "is missing") for pool in sorted(pools - self.pools)),
            *list_differences(wanted, found),
            *(Difference(f"trigger {one.name!r}", "is of no deployment of ours") for one in self._astray()),
        ]

    def _as_found(self, name: str) -> Deployment:
        one = self.deployments[name]
        schedules = {schedule.slug or f"id {schedule.id}": _schedule(schedule) for schedule in one.schedules}
        return Deployment(name, _settings(one), schedules, self._triggers(one.id))

    def _triggers(self, deployment: UUID) -> dict[str, Facts]:
        """Return the triggers of a deployment by name; a second one of a name gets a number."""
        seen: Counter[str] = Counter()
        triggers: dict[str, Facts] = {}
        for automation in self.automations:
            if deployment in _targets(automation):
                seen[automation.name] += 1
                times = seen[automation.name]
                name = automation.name if times == 1 else f"{automation.name} ({times})"
                triggers[name] = _trigger(automation)
        return triggers

    def _astray(self) -> Iterator[Automation]:
        ids = {one.id for one in self.deployments.values()}
        return (one for one in self.automations if not _targets(one) & ids)

    def remove_surplus(self, client: SyncPrefectClient, wanted: Sequence[Deployment]) -> None:
        """Remove what is not wanted, which `prefect deploy` would leave: deployments, schedules, triggers."""
        by_name = {one.name: one for one in wanted}
        differing = {one.subject for one in self.list_differences(wanted)}
        for automation in self._astray():
            client.delete_automation(automation.id)
        for name in differing & self.deployments.keys():
            there = self.deployments[name]
            # All its triggers, for Prefect makes them anew, and a copy made by hand would stay beside them.
            for automation in self.automations:
                if there.id in _targets(automation):
                    client.delete_automation(automation.id)
            if name not in by_name:
                client.delete_deployment(there.id)
                continue
            for schedule in there.schedules:
                if schedule.slug not in by_name[name].schedules:
                    client.delete_deployment_schedule(there.id, schedule.id)


def read_registered(client: SyncPrefectClient) -> Registered:
    """Read the work pools, the deployments with our tag, and the automations with our kind of name."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS]))
    flows: dict[UUID, str] = {}
    deployments = {}
    for one in client.read_deployments(deployment_filter=ours, limit=_PAGE):
        if one.flow_id not in flows:
            flows[one.flow_id] = client.read_flow(one.flow_id).name
        deployments[f"{flows[one.flow_id]}/{one.name}"] = one
    automations = [one for one in _all_automations(client) if one.name.startswith(f"{OURS}: ")]
    pools = frozenset(pool.name for pool in client.read_work_pools(limit=_PAGE))
    return Registered(pools, deployments, automations)


def ensure_work_pool(client: SyncPrefectClient, name: str) -> None:
    """Make the work pool for processes of this machine, unless there is one of that name."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type=WORK_POOL_TYPE))
        except ObjectAlreadyExists:
            return  # a worker that started meanwhile has made it


def _all_automations(client: SyncPrefectClient) -> Iterator[Automation]:
    offset, page = 0, client.read_automations(limit=_PAGE)
    while page:
        yield from page
        offset += len(page)
        page = client.read_automations(limit=_PAGE, offset=offset) if len(page) == _PAGE else []


def _targets(automation: Automation) -> set[UUID | None]:
    return {getattr(action, "deployment_id", None) for action in automation.actions}


def _settings(one: DeploymentResponse) -> dict[str, Any]:
    limit = one.global_concurrency_limit
    return {
        "entrypoint": one.entrypoint,
        "description": one.description,
        "version": one.version,
        "tags": sorted(one.tags),
        "parameters": one.parameters,
        "paused": one.paused,
        "work_pool_name": one.work_pool_name,
        "job_variables": one.job_variables,
        # what the file never says: shown as differences only where somebody set it
        **({"pull_steps": one.pull_steps} if one.pull_steps else {}),
        **({"concurrency_limit": limit.limit} if limit else {}),
        **({} if one.enforce_parameter_schema else {"enforce_parameter_schema": False}),
    }


def _schedule(schedule: DeploymentSchedule) -> dict[str, Any]:
    rule = schedule.schedule.model_dump(mode="json")
    return {**rule, "active": schedule.active, "parameters": schedule.parameters}


def _trigger(automation: Automation) -> dict[str, Any]:
    facts = automation.model_dump(mode="json")
    trigger, actions = facts.pop("trigger"), facts.pop("actions")
    match actions:
        case [{"type": "run-deployment"} as action]:
            facts |= action
        case _:
            facts["actions"] = actions
    facts |= trigger  # after the action, whose type it replaces
    facts["expect"] = sorted(facts.get("expect", ()))
    left_out = {"id", "name", "deployment_id", "created", "updated"}
    return {
        key: value
        for key, value in facts.items()
        if key not in left_out and (key not in _USUAL or value != _USUAL[key])
    }
