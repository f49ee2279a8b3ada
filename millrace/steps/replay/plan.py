"""What is to be replayed, under which policies, and where does all of it lie?"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from millrace.adapters.bundle import digest_of_files
from millrace.adapters.models import load_source, read_model, read_policy, write_model
from millrace.adapters.training import ESTIMATORS, training_environment
from millrace.domain.canonical import sha256_of
from millrace.domain.replay.comparison import ALWAYS, NEVER, OWN
from millrace.errors import MillraceError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.stores import model_config

FIXED = ("model", "data", "rollout")
"""Sections that no policy changes: they say what the data is, and history has no live requests."""
DELIVERY = ("provenance", "quota")
"""What `[poisoning]` asks of a delivery, and not of its rows."""
MAX_STEPS = 100_000
"""Eleven years of hours. Each step costs milliseconds, whatever happens in it."""
WITHOUT_LIMIT = {"min_new_rows": 0, "cooldown": "0s", "budget_per_day": 1_000_000}
ELSEWHERE = ("MLFLOW_TRACKING_URI", *(f"MILLRACE_{name}" for name in ("LEDGER_URL", "ALERT_URLS", "CHANNEL")))


class NoReplayError(MillraceError):
    """History cannot be run again as it was asked for."""

    def __init__(self, model: str, found: str, advice: str) -> None:
        self.model, self.found = model, found
        super().__init__(f"{model} cannot be replayed: {found}. {advice}")


@dataclass(frozen=True)
class Policy:
    """A policy by its name: all that `model.toml` says under it. One that `is_frozen` never retrains."""

    name: str
    content: dict[str, Any]
    is_frozen: bool = False

    def judges_batches_as(self, other: "Policy") -> bool:
        """Whether both let in the same batches."""
        ours, theirs = _playable(self.content), _playable(other.content)
        return all(ours.get(name) == theirs.get(name) for name in ("contract", "poisoning"))


@dataclass(frozen=True)
class Plan:
    """A replay of one model, in steps of `every`; `folder` is named by all that it follows from."""

    model: str
    start: datetime
    until: datetime
    every: timedelta
    policies: tuple[Policy, ...]
    folder: Path

    @property
    def never(self) -> Policy:
        """The policy that is always there, of `model.toml` as it is."""
        return next(policy for policy in self.policies if policy.name == NEVER)

    @cached_property
    def bounds(self) -> tuple[datetime, ...]:
        """The times of the simulated clock, `start` first and `until` last."""
        steps = -((self.start - self.until) // self.every)
        return tuple(min(self.start + step * self.every, self.until) for step in range(steps + 1))

    def home_of(self, policy: Policy) -> Path:
        """Return the installation in which a policy is played."""
        return self.folder / "policies" / policy.name


def plan_replay(
    model: str, start: datetime, until: datetime, every: timedelta, policies: Sequence[str]
) -> Plan:
    """Read all policies, and name the replay by everything that it follows from.

    A policy is a file, or one of the names `own`, `always` and `never`; `never` is there in any case.

    Raises
    ------
    NoReplayError
        If the model has no time column, or there is no time between start and end.
    ModelFileError
        With every mistake in the file of a policy.
    """
    config, models = model_config(model), load_settings().models
    if config.data.time is None:
        advice = "History needs [data].time, by which rows are known to have happened"
        raise NoReplayError(model, "found no time column in its model.toml", advice)
    if start >= until or every <= timedelta(0):
        found = f"found nothing from {start:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} in steps of {every}"
        raise NoReplayError(model, found, "--to must come after --from, and --every be longer than 0")
    if (steps := -((start - until) // every)) > MAX_STEPS:
        found = f"found {steps:,} steps of {every}, at most {MAX_STEPS:,} are possible"
        raise NoReplayError(model, found, "Take a longer --every, such as 1d")
    read = tuple(_read(models, model, given) for given in dict.fromkeys((*(policies or [OWN]), NEVER)))
    names = [policy.name for policy in read]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise NoReplayError(model, f"found two policies called {twice[0]}", "A file's name is its policy's")
    named_by = {
        "files": digest_of_files(models / model),
        "dataset": current_dataset(model).version,
        "source": load_source(models, model).list_batches(until) if config.data.source == "python" else [],
        "environment": {name: training_environment(name) for name in sorted(map(_estimator_of, read))},
        "code": digest_of_files(PROJECT_ROOT / "millrace"),
        "span": [start.isoformat(), until.isoformat(), every.total_seconds()],
        "policies": {policy.name: repr(policy.content) for policy in read},
    }
    folder = load_settings().var / "replays" / f"{model}-{sha256_of(named_by)[:12]}"
    return Plan(model, start, until, every, read, folder)


def _read(models: Path, model: str, given: str) -> Policy:
    own = read_model(models, model)
    match given:
        case "own" | "never":
            return Policy(given, own, is_frozen=given == NEVER)
        case "always":
            scheduled = {"schedule": own["retrain"]["schedule"]} if "schedule" in own["retrain"] else {}
            return Policy(ALWAYS, own | {"retrain": WITHOUT_LIMIT | scheduled})
        case _:
            return Policy(
                _name_of(model, Path(given)), read_policy(models, model, Path(given), FIXED, ESTIMATORS)
            )


def _name_of(model: str, file: Path) -> str:
    if file.stem in (OWN, ALWAYS, NEVER):
        reserved = f"{OWN}, {ALWAYS} and {NEVER} are policies without a file"
        raise NoReplayError(model, f"found a policy in {file.name}", f"{reserved}: give yours another name")
    return file.stem


def _estimator_of(policy: Policy) -> str:
    return str(policy.content["training"]["estimator"])


@contextmanager
def entered(home: Path) -> Iterator[None]:
    """Work in another installation as long as the block lasts; its models lie in it."""
    before = dict(os.environ)
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    os.environ |= {"MILLRACE_HOME": str(home), "MILLRACE_MODELS": str(home / "models")}
    try:
        yield
    finally:
        for name in (*ELSEWHERE, "MILLRACE_HOME", "MILLRACE_MODELS"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _playable(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out what asks for live requests, and what judges who delivers: in a replay nobody does."""
    poisoning = {name: of for name, of in content.get("poisoning", {}).items() if name not in DELIVERY}
    kept = {name: section for name, section in content.items() if name not in ("rollout", "poisoning")}
    return kept | ({"poisoning": poisoning} if poisoning else {})


def lay_out(plan: Plan, policy: Policy) -> Path:
    """Make the installation of a policy: the model's folder, with its own `model.toml`."""
    home, models = plan.home_of(policy), load_settings().models
    if home.exists():
        return home
    partial = home.with_name(f".{home.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(models / plan.model, partial / "models" / plan.model, ignore=leave)
    write_model(partial / "models", plan.model, _playable(policy.content))
    (partial / "var").mkdir()
    partial.rename(home)
    return home
