"""The user's own code under `models/`: sources, pipelines and losses, loaded by name."""

import importlib.util
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from millrace.domain.config import ModelConfig
from millrace.domain.metric_terms import RowLoss
from millrace.errors import MillraceError

if TYPE_CHECKING:
    import pandas as pd


class Source(Protocol):
    """What a model's `source.py` offers."""

    def list_batches(self, now: datetime) -> list[str]:
        """Name the batches that are complete at `now`, oldest first."""

    def read_batch(self, name: str) -> "pd.DataFrame":
        """Return the rows of one batch, the same rows at every call."""


class ModelCodeError(MillraceError):
    """A `source.py` or `pipeline.py` that is missing, or lacks what model.toml asks of it."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


def load_source(models: Path, name: str) -> Source:
    """Import `models/<name>/source.py`."""
    path = models / name / "source.py"
    module = _import_file(path, f"models.{name}.source")
    for function in ("list_batches", "read_batch"):
        if not callable(getattr(module, function, None)):
            raise ModelCodeError(path, f'has no function {function}; `source = "python"` needs it')
    return cast("Source", module)


def load_builder(models: Path, config: ModelConfig) -> Callable[[ModelConfig], Any] | None:
    """Import the function that `estimator = "file:function"` names; None for a built-in estimator."""
    if ":" not in config.training.estimator:
        return None
    return _load_function(models, config.name, config.training.estimator, "training.estimator")


def load_loss(models: Path, config: ModelConfig) -> RowLoss | None:
    """Import the function that `metric` of `[gate]` names as `file:function`; None where it does not."""
    if config.gate.loss is None:
        return None
    return _load_function(models, config.name, config.gate.loss, "[gate]")


def locate_code(models: Path, model: str, named: str) -> Path:
    """Return the file of what `model.toml` names as `file:function`.

    Raises
    ------
    ModelCodeError
        If there is no such file.
    """
    path = models / model / f"{named.partition(':')[0]}.py"
    if not path.is_file():
        raise ModelCodeError(path, "there is no such file; model.toml asks for it")
    return path


def _load_function(models: Path, model: str, named: str, by: str) -> Callable[..., Any]:
    file, _, function = named.partition(":")
    path = locate_code(models, model, named)
    found = getattr(_import_file(path, f"models.{model}.{file}"), function, None)
    if not callable(found):
        raise ModelCodeError(path, f"has no function {function}; {by} names it")
    return cast("Callable[..., Any]", found)


def _import_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ModelCodeError(path, "there is no such file; model.toml asks for it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
