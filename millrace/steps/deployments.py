"""Which deployments is Prefect to know? Those of prefect.yaml, with the schedules that the models ask for."""

import logging
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from shlex import join
from typing import Any

from msgspec import to_builtins

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.models import find_model, list_models
from millrace.adapters.prefect_file import PREFECT_FILE, Entry, PrefectFileError, Trigger, read_prefect_file
from millrace.domain.config import ModelConfig
from millrace.domain.deployment import Deployment, Facts
from millrace.errors import ModelFileError
from millrace.settings import PROJECT_ROOT, load_settings

log = logging.getLogger(__name__)

OURS = "millrace"
"""The tag of our deployments, and the start of our triggers' names: what has it unasked is removed."""

HEARTBEAT_SECONDS = 30
"""How often a run tells Prefect that it is there: one that is not heard of counts as crashed."""

_CRONS: dict[str, Callable[[ModelConfig], str | None]] = {
    "retrain/on-schedule": lambda config: config.retrain.schedule,
    "retrain/on-refit-schedule": lambda config: config.retrain.refit_schedule,
    "ingest/on-schedule": lambda config: config.data.schedule,
    "monitor/on-schedule": lambda config: config.monitor.schedule if config.monitor else None,
}
"""Which cron expression of a `model.toml` is for which deployment."""

_CODE = (Path("flows"), Path("millrace/domain"))
"""The code that says what a flow takes: Prefect has a schema of it, which must not outlive it."""


def list_wanted() -> list[Deployment]:
    """Return every deployment of prefect.yaml, with a schedule for each model whose `model.toml` has one."""
    file, models = PROJECT_ROOT / PREFECT_FILE, load_settings().models
    configs = [config for name in list_models(models) if (config := _find_valid(models, name)) is not None]
    code = _version()
    wanted = [_deployment(file, entry, configs, code) for entry in read_prefect_file(file)]
    for name in _CRONS.keys() - {one.name for one in wanted}:
        if schedules := _schedules(name, configs):
            raise PrefectFileError(
                file, f"{name}: missing, and needed for the schedule of {', '.join(schedules)}"
            )
    return wanted


def _find_valid(models: Path, name: str) -> ModelConfig | None:
    """Leave out a model whose file has a mistake: all others are to run, and `doctor` names it."""
    try:
        return find_model(models, name)
    except ModelFileError as error:
        log.warning("no schedule for %s: %s", name, error)
        return None


def _deployment(file: Path, entry: Entry, configs: list[ModelConfig], code: str) -> Deployment:
    module, _, flow = entry.entrypoint.rpartition(".")
    name = f"{flow}/{entry.name}"
    if OURS not in entry.tags or not module:
        raise PrefectFileError(
            file, f"{name}: needs an entrypoint such as flows.retrain.retrain and the tag {OURS}"
        )
    settings: dict[str, Any] = {
        "entrypoint": entry.entrypoint,
        "description": entry.description,
        "version": code,
        "tags": sorted(entry.tags),
        "parameters": entry.parameters,
        "paused": False,
        "work_pool_name": entry.work_pool.name,
        "job_variables": _place(),
    }
    triggers = {one.name: _trigger(one) for one in entry.triggers}
    if len(triggers) < len(entry.triggers) or not all(one.startswith(f"{OURS}: ") for one in triggers):
        raise PrefectFileError(
            file, f"{name}: each trigger needs a name of its own that begins with '{OURS}: '"
        )
    return Deployment(name, settings, _schedules(name, configs), triggers)


def _schedules(deployment: str, configs: list[ModelConfig]) -> dict[str, Facts]:
    find_cron = _CRONS.get(deployment)
    if find_cron is None:
        return {}
    return {
        config.name: {
            "cron": cron,
            "timezone": "UTC",
            "day_or": True,
            "active": True,
            "parameters": {"model": config.name},
        }
        for config in configs
        if (cron := find_cron(config)) is not None
    }


def _trigger(trigger: Trigger) -> Facts:
    facts: dict[str, Any] = to_builtins(trigger)
    facts |= {"enabled": True, "expect": sorted(trigger.expect)}
    return {key: value for key, value in facts.items() if key != "name"}


def _place() -> Facts:
    """Say where a run starts: in this clone, by this Python, wherever its worker was started.

    With a command of its own a process worker starts one Python; without, a second one
    only to find the code, which took 0.8 s of each run (prefect 3.8.8).
    """
    return {
        "working_dir": str(PROJECT_ROOT),
        "command": join([sys.executable, "-m", "prefect.engine"]),
        "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)},
    }


def _version() -> str:
    digests = "".join(digest_of_files(PROJECT_ROOT / part)[:6] for part in _CODE)
    return f"{version('millrace')}+{digests}"
