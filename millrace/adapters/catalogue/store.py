"""How is the MLflow store opened without noise, without waiting, and created only once?"""

import fcntl
import logging
import os
import re
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.errors import MillraceError

if TYPE_CHECKING:
    from mlflow import MlflowClient

# a caller of an MLflow server that is down waits four minutes by default
_HTTP_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class RelativeStoreError(MillraceError):
    """An SQLite address whose file would depend on the working directory."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"{url} is relative to the working directory, an absolute sqlite://// address was needed: "
            "set MLFLOW_TRACKING_URI, or unset it for the default"
        )


def open_client(url: str) -> "MlflowClient":
    """Open the store at `url`; an SQLite file that is not there yet is created."""
    _silence_mlflow()
    from mlflow import MlflowClient

    path = find_file(url)
    if path is not None:
        create_store(path)
    return MlflowClient(url, url)


def find_file(url: str) -> Path | None:
    """Return the file of an SQLite store, None for a store of another kind.

    Raises
    ------
    RelativeStoreError
        If the file would depend on the working directory.
    """
    match = re.fullmatch(r"sqlite:///(.+)", url)
    if match is None:
        return None
    path = Path(match[1])
    if not path.is_absolute():
        raise RelativeStoreError(url)
    return path


def create_store(path: Path) -> None:
    """Create an empty store at `path` if there is none, safe against crashes and other processes.

    It takes half a second, and the new file may be copied to wherever another one is needed.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            # under another name until it is whole: MLflow cannot finish a store that was begun
            unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            _migrate(unfinished)
            unfinished.replace(path)


def _migrate(path: Path) -> None:
    """Migrate in memory and write the outcome: in a file each of the many migrations waits for the disk."""
    _silence_mlflow()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    engine = SqlAlchemyStore("sqlite:///:memory:", str(path.parent / "mlartifacts")).engine  # type: ignore[no-untyped-call]
    with closing(sqlite3.connect(path)) as file, closing(engine.raw_connection()) as memory:
        memory.driver_connection.backup(file)  # type: ignore[union-attr]
        file.execute("PRAGMA journal_mode=WAL")
    engine.dispose()


def _silence_mlflow() -> None:
    for name, value in _HTTP_LIMITS.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    import mlflow  # noqa: F401

    # importing it sets a level of its own; whatever goes wrong is raised as well
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
