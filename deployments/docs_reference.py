"""What does docs/reference say? It is written from the types; `--check` finds a page that is not true."""

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from datetime import date, timedelta
from enum import EnumType
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from millrace.cli.main import app, load_verbs
from millrace.domain.config import ModelConfig
from millrace.domain.facts import Fact

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"

WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "day, such as 2013-04-01",
    timedelta: 'duration, such as "6h"',
    Any: "anything",
}
MANY = {tuple: ("list", 0), dict: ("table", 1)}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def main() -> int:
    """Write the pages, or say which of them differ from what they would be."""
    pages = {"model-toml.md": model_page(), "cli.md": cli_page(), "ledger.md": ledger_page()}
    if "--check" not in sys.argv[1:]:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    stale = [name for name, text in pages.items() if _kept(name) != text]
    for name in stale:
        print(f"docs/reference/{name} is not what the types say: run `make docs`, and commit it")
    return len(stale)


def model_page() -> str:
    """Describe every section and key of `model.toml`."""
    head = [
        "# model.toml",
        "Everything about one model. A key it does not know is an error that names the nearest one; no "
        "policy has a default. *Needed* means: wherever its section is there.",
    ]
    for name, field in ModelConfig.model_fields.items():
        section = next(iter(_sections_in(field.annotation)))
        head += list(_section(name, section, needed=field.is_required()))
    return "\n\n".join(head) + "\n"


def _section(name: str, section: type[BaseModel], *, needed: bool) -> Iterator[str]:
    yield f"## [{name}]"
    yield inspect.cleandoc(section.__doc__ or "") + ("" if needed else "\n\n*This section may be left out.*")
    told = _attribute_docstrings(section)
    rows = ["| Key | Is | Needed or usual | Means |", "|---|---|---|---|"]
    inner = []
    for key, field in section.model_fields.items():
        meaning = _line(told.get(key, field.description or ""))
        rows.append(f"| `{key}` | {_cell(_kind(field))} | {_cell(_usual(field))} | {_cell(meaning)} |")
        inner += [(key, one) for one in _sections_in(field.annotation)]
    yield "\n".join(rows)
    for key, one in inner:
        nested = f"{name}.{key}.COLUMN" if _is_by_name(section.model_fields[key]) else f"{name}.{key}"
        yield from _section(nested, one, needed=True)


def cli_page() -> str:
    """Describe every verb, from the functions that do it."""
    load_verbs()
    told = app.generate_docs(output_format="markdown", recursive=True)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in told.splitlines())).strip() + "\n"


def ledger_page() -> str:
    """Describe every kind of ledger entry."""
    parts = [
        "# The ledger",
        "Every decision is one entry: `seq`, `at`, `actor`, `kind`, `model`, a body, the hash of the entry "
        "before, and its own. The bodies, by kind:",
    ]
    for fact in get_args(Fact):
        fields = ", ".join(f"`{name}`" for name in inspect.get_annotations(fact))
        parts += [f"## {fact.__name__}", inspect.cleandoc(fact.__doc__ or ""), f"Holds {fields}."]
    return "\n\n".join(parts) + "\n"


def _kept(name: str) -> str:
    path = FOLDER / name
    return path.read_text("utf-8") if path.exists() else ""


def _attribute_docstrings(section: type[BaseModel]) -> dict[str, str]:
    """Return the string below each key; pydantic could, at 25 ms for every verb that reads a model."""
    body = ast.parse(textwrap.dedent(inspect.getsource(section))).body[0].body  # type: ignore[attr-defined]
    return {
        key.target.id: inspect.cleandoc(text.value.value)
        for key, text in pairwise(body)
        if isinstance(key, ast.AnnAssign)
        and isinstance(key.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for one in get_args(annotation) for found in _sections_in(one)]


def _is_by_name(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is dict


def _kind(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(one, bound):g}"
        for one in field.metadata
        for bound, sign in BOUNDS.items()
        if isinstance(getattr(one, bound, None), int | float)
    ]
    return " ".join([_spelled(field.annotation), *bounds])


def _spelled(annotation: Any) -> str:
    """Write a type as people say it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in WORDS:
        return WORDS[annotation]
    if isinstance(annotation, EnumType) or origin is Literal:
        return " or ".join(f'`"{one}"`' for one in (inner or annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(_spelled(one) for one in inner if one is not type(None))
    if origin in MANY:
        word, place = MANY[origin]
        return (
            "a table for each, below" if _sections_in(inner[place]) else f"{word} of {_spelled(inner[place])}"
        )
    return _spelled(inner[0]) if inner else "table, below"


def _usual(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    usual = field.get_default(call_default_factory=True)
    if usual in (None, (), {}) or isinstance(usual, BaseModel):
        return ""
    return f"`{usual}`"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
