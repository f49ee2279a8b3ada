"""Changes of a `model.toml` that Millrace makes itself, or makes for a while and takes back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from millrace.adapters.models.reading import MODEL_FILE
from millrace.durable import replace_file


def write_model(models: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write `models/<name>/model.toml`."""
    import tomlkit

    (models / name / MODEL_FILE).write_text(tomlkit.dumps(content), "utf-8")


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
