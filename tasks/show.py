"""What people look at in Prefect's UI: artifacts of a flow run, one key per model and kind."""

from functools import lru_cache
from typing import cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tasks.run import run_id


def tell(message: str) -> None:
    """Write a line into the log of the run, which is what its page in the UI shows first."""
    get_run_logger().info(message)


def show_markdown(model: str, kind: str, markdown: str, description: str) -> None:
    create_markdown_artifact(key=_key(model, kind), markdown=markdown, description=description)


def show_table(model: str, kind: str, rows: list[dict[str, object]], description: str) -> None:
    create_table_artifact(key=_key(model, kind), table=rows, description=description)


def show_link(model: str, kind: str, address: str, text: str, description: str) -> None:
    create_link_artifact(address, text, key=_key(model, kind), description=description)


def show_progress(model: str, share: float, step: str) -> None:
    """Say how far this flow run is: `share` of 1, and what it is at."""
    tell(step)
    update_progress_artifact(_progress_of(run_id(), model), progress=100.0 * share, description=step)


@lru_cache(maxsize=1)
def _progress_of(_run_id: str, model: str) -> UUID:
    """Return the run's one progress artifact, made at the first call."""
    return cast("UUID", create_progress_artifact(0.0, key=_key(model, "progress")))


def _key(model: str, kind: str) -> str:
    """Prefect takes small letters, digits and dashes; a model's name may hold underscores too."""
    return f"{model.replace('_', '-')}-{kind}"
