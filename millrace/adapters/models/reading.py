"""Is what `model.toml` and `demo.toml` say right, and what does it say?"""

import difflib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from millrace.adapters.models.code import ModelCodeError, load_builder
from millrace.domain.config import ModelConfig
from millrace.domain.demo import DemoScript
from millrace.errors import ModelFileError, UnknownModelError

MODEL_FILE = "model.toml"
DEMO_FILE = "demo.toml"


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
