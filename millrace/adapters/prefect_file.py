"""What does `prefect.yaml` say?"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from millrace.errors import MillraceError

PREFECT_FILE = "prefect.yaml"


class PrefectFileError(MillraceError):
    """A `prefect.yaml` that cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class WorkPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the runs of a deployment wait for a worker."""

    name: str


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which event starts a run, and with what. Nothing is left to defaults, so that all can be compared."""

    name: str
    description: str
    type: Literal["event"]
    posture: Literal["Reactive"]
    expect: list[str]
    match: dict[str, str]
    threshold: int
    within: float
    parameters: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deployment of the file. A key that Prefect does not know, and would pass over, is an error here."""

    name: str
    entrypoint: str
    description: str
    tags: list[str]
    work_pool: WorkPool
    parameters: dict[str, Any] = {}
    triggers: list[Trigger] = []


class _File(msgspec.Struct, frozen=True):
    deployments: list[Entry]


def read_prefect_file(path: Path) -> list[Entry]:
    """Return the deployments of the file.

    Raises
    ------
    PrefectFileError
        If it is missing, no YAML, or says what is not known; with the place in the file.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=_File).deployments
    except OSError as error:
        raise PrefectFileError(path, f"cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:  # a ValidationError is one too
        raise PrefectFileError(path, str(error)) from error
