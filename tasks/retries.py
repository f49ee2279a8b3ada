"""What is tried again, in one place: only work on another system, and only for errors that time can cure."""

from collections.abc import Callable
from functools import wraps
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


def local_task(name: str) -> AsTask:
    """Make a task of a step that computes: the same inputs would fail the same way."""
    return _announced(name, task(name=name, cache_policy=NO_CACHE, persist_result=False))


def network_task(name: str) -> AsTask:
    """Make a task of a step that talks to a store or a source."""
    patient = task(
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=3,
        retry_delay_seconds=[1, 5, 25],
        retry_condition_fn=_is_transient,
    )
    return _announced(name, patient)


def _announced(name: str, as_task: AsTask) -> AsTask:
    def announced_task(step: Callable[P, R], /) -> Callable[P, R]:
        @wraps(step)
        def announced(*args: P.args, **kwargs: P.kwargs) -> R:
            announce(name)
            return step(*args, **kwargs)

        return as_task(announced)

    return announced_task
