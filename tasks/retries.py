"""What is tried again, in one place: only work on another system, and only for errors that time can cure."""

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from millrace.errors import MillraceError, UnavailableError
from millrace.steps.progress import announce

P = ParamSpec("P")
R = TypeVar("R")


class AsTask(Protocol):
    """Turns a step into a Prefect task that is called like the step."""

    def __call__(self, step: Callable[P, R], /) -> Callable[P, R]: ...


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, UnavailableError) or not isinstance(error, MillraceError)


def _announce(task: Task[..., Any], _run: TaskRun, _state: State[Any]) -> None:
    announce(task.name)


def local_task(name: str) -> AsTask:
    """Make a task of a step that computes: the same inputs would fail the same way."""
    return task(name=name, cache_policy=NO_CACHE, persist_result=False, on_running=[_announce])


def network_task(name: str) -> AsTask:
    """Make a task of a step that talks to a store or a source."""
    return task(
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        on_running=[_announce],
        retries=3,
        retry_delay_seconds=[1, 5, 25],
        retry_condition_fn=_is_transient,
    )
