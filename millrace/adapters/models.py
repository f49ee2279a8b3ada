"""What stands under `models/`: the user's files, read and checked."""

import difflib
import importlib.util
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast, get_args

from pydantic import BaseModel, ValidationError

from millrace.domain.config import ModelConfig
from millrace.domain.demo import DemoScript
from millrace.domain.metric_terms import RowLoss
from millrace.durable import replace_file
from millrace.errors import MillraceError, ModelFileError, UnknownModelError

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.toml"
DEMO_FILE = "demo.toml"


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


def list_models(models: Path) -> list[str]:
    """Name every folder that holds a `model.toml`."""
    return sorted(path.parent.name for path in models.glob(f"*/{MODEL_FILE}"))


def is_folder(models: Path, name: str) -> bool:
    """Say whether `list_models` would name it."""
    return name == Path(name).name != ".." and (models / name / MODEL_FILE).exists()


def find_model(models: Path, name: str) -> ModelConfig:
    """Read `models/<name>/model.toml`.

    Raises
    ------
    UnknownModelError
        If there is no such folder.
    ModelFileError
        With every mistake in the file: key path, what came, what is allowed, the nearest valid key.
    """
    path = models / name / MODEL_FILE
    if not path.is_file():
        known = list_models(models)
        raise UnknownModelError(name, known, _nearest(name, known))
    marks = path.stat()
    config = _read_model(path, marks.st_mtime_ns, marks.st_size)
    if config.name != name:
        raise ModelFileError(str(path), [f"model.name: {config.name!r}, but the folder is called {name!r}"])
    return config


@cache
def _read_model(path: Path, _changed_ns: int, _size: int) -> ModelConfig:
    """Read the file once for each time it changes: the controller asks for it twice a second."""
    return _validate(path, _read_toml(path))


def read_policy(
    models: Path, name: str, path: Path, fixed: Sequence[str], estimators: Collection[str]
) -> dict[str, Any]:
    """Return what a `model.toml` says once the keys of another file stand in the place of its own.

    Raises
    ------
    ModelFileError
        With every mistake in that file. One is to name a section of `fixed`, which stays as it is; another an
        estimator that is neither one of `estimators` nor a function in a file of the model's folder.
    """
    find_model(models, name)
    changes = _read_toml(path)
    if kept := [f"{section}: a policy cannot change it" for section in changes if section in fixed]:
        raise ModelFileError(str(path), kept)
    changed = _overridden(_read_toml(models / name / MODEL_FILE), changes)
    config = _validate(path, changed)
    if "estimator" in changes.get("training", {}):
        _check_estimator(models, config, path, estimators)
    return changed


def _check_estimator(models: Path, config: ModelConfig, path: Path, estimators: Collection[str]) -> None:
    found = config.training.estimator
    try:
        builder = load_builder(models, config)
    except ModelCodeError as error:
        raise ModelFileError(str(path), [f"training.estimator: found {found!r}, {error}"]) from error
    if builder is None and found not in estimators:
        allowed = sorted(estimators)
        nearest = _nearest(found, allowed)
        hint = f"did you mean {nearest!r}?" if nearest else f"allowed: {', '.join(allowed)}, 'pipeline:build'"
        raise ModelFileError(str(path), [f"training.estimator: found {found!r}, {hint}"])


def write_model(models: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write `models/<name>/model.toml`."""
    import tomlkit

    (models / name / MODEL_FILE).write_text(tomlkit.dumps(content), "utf-8")


def read_model(models: Path, name: str) -> dict[str, Any]:
    """Return what `models/<name>/model.toml` says, once it is found to be right."""
    find_model(models, name)
    return _read_toml(models / name / MODEL_FILE)


def _overridden(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put values in the place of those of the same key, table by table."""
    merged = dict(values)
    for key, value in changes.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _overridden(known, value)
        else:
            merged[key] = value
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelFileError(str(path), [f"not valid TOML: {error}"]) from error
    except FileNotFoundError as error:
        raise ModelFileError(str(path), ["there is no such file"]) from error
    except OSError as error:
        raise ModelFileError(str(path), [f"cannot be read: {error.strerror}"]) from error


def _validate(path: Path, content: Mapping[str, Any]) -> ModelConfig:
    try:
        return ModelConfig.model_validate(content)
    except ValidationError as error:
        raise ModelFileError(str(path), [_mistake(dict(one)) for one in error.errors()]) from error


def find_demo(models: Path) -> tuple[str, DemoScript]:
    """Return the first model that has a `demo.toml`, and what it says.

    Raises
    ------
    ModelCodeError
        If no model has one.
    """
    path = next(iter(sorted(models.glob(f"*/{DEMO_FILE}"))), models / "NAME" / DEMO_FILE)
    if not path.is_file():
        raise ModelCodeError(path, "no model has a demo.toml")
    try:
        return path.parent.name, DemoScript.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelFileError(str(path), [str(error)]) from error


def change_features(models: Path, name: str, numeric: Sequence[str], categorical: Sequence[str]) -> None:
    """Rewrite the features in `model.toml`, comments and all else untouched."""
    change_section(models, name, "features", {"numeric": list(numeric), "categorical": list(categorical)})


def change_section(models: Path, name: str, section: str, values: Mapping[str, Any] | None) -> None:
    """Rewrite one section of `model.toml`, or take it out; comments and all else stay."""
    import tomlkit

    path = models / name / MODEL_FILE
    document = tomlkit.parse(path.read_text("utf-8"))
    if values is None:
        document.pop(section, None)
    else:
        document[section] = dict(values)
    path.write_text(tomlkit.dumps(document), "utf-8")


def change_keys(models: Path, name: str, section: str, values: Mapping[str, Any]) -> None:
    """Set some keys of one section of `model.toml`; comments, order and all else stay."""
    import tomlkit

    path = models / name / MODEL_FILE
    document = tomlkit.parse(path.read_text("utf-8"))
    table = cast("Any", document[section])
    for key, value in values.items():
        table[key] = value
    replace_file(path, tomlkit.dumps(document).encode())


@contextmanager
def kept_file(models: Path, name: str) -> Iterator[None]:
    """Put `model.toml` back as it was once the block is over."""
    path = models / name / MODEL_FILE
    content = path.read_bytes()
    try:
        yield
    finally:
        path.write_bytes(content)


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


def _load_function(models: Path, model: str, named: str, by: str) -> Callable[..., Any]:
    file, _, function = named.partition(":")
    path = models / model / f"{file}.py"
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


def _mistake(error: dict[str, Any]) -> str:
    location = error["loc"]
    key = ".".join(str(part) for part in location) or "the file"
    if error["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        nearest = _nearest(str(location[-1]), known)
        hint = f", did you mean {nearest!r}?" if nearest else f", allowed: {', '.join(known)}"
        return f"{key}: unknown key{hint}"
    if error["type"] == "missing":
        return f"{key}: missing"
    found = "" if isinstance(error["input"], dict) else f"found {error['input']!r}, "
    return f"{key}: {found}{error['msg'].removeprefix('Value error, ')}"


def _keys_at(location: tuple[str | int, ...]) -> list[str]:
    section: type[BaseModel] = ModelConfig
    for key in location:
        field = section.model_fields.get(str(key))
        if field is not None:  # else a name the user gave, as in [contract.columns.<name>]
            section = next(filter(_is_section, (field.annotation, *get_args(field.annotation))), section)
    return sorted(section.model_fields)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _nearest(name: str, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)
