"""How is a proposal written down as a model.toml?"""

import json
import re
from collections.abc import Iterable
from datetime import date

from millrace.domain.proposal.findings import Block, Entry, Proposal

INTRODUCTION = "# Everything about this model. Each number is a choice; the comment beside it says why."
COMMENT_AT = 30
"""Where comments begin, unless what they are about is longer."""

WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def model_file(proposal: Proposal) -> str:
    """Return the text of a model.toml: the same for the same proposal."""
    return f"{INTRODUCTION}\n\n{sections_text(proposal.blocks)}"


def sections_text(blocks: Iterable[Block]) -> str:
    """Return the text of some sections of a model.toml."""
    return "\n\n".join(_section(block) for block in blocks if block.entries) + "\n"


def toml_value(value: object) -> str:  # noqa: PLR0911 (one for each type)
    """Write a value as TOML.

    >>> toml_value({"type": "int", "min": 0}), toml_value(["a", "é"])
    ('{ type = "int", min = 0 }', '["a", "é"]')
    """
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value:_}" if abs(value) >= 10_000 else str(value)  # noqa: PLR2004
        case float():
            return _number(value)
        case date():
            return value.isoformat()
        case dict():
            return (
                "{ " + ", ".join(f"{toml_key(key)} = {toml_value(one)}" for key, one in value.items()) + " }"
            )
        case list() | tuple():
            return "[" + ", ".join(toml_value(one) for one in value) + "]"
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """Write a key as TOML, in quotation marks where it needs them."""
    return name if _BARE.fullmatch(name) else toml_value(name)


def _number(value: float) -> str:
    text = repr(value)
    return text if "e" not in text or abs(value) < 1 else f"{value:.1f}"


def _section(block: Block) -> str:
    above = [f"# {_one_line(line)}" for line in block.above]
    head = _commented(f"[{block.name}]", block.why)
    return "\n".join([*above, head, *_lines(block.entries)])


def _lines(entries: Iterable[Entry]) -> Iterable[str]:
    for entry in entries:
        line = f"{toml_key(entry.key)} = {toml_value(entry.value)}"
        if len(line) > WIDTH and isinstance(entry.value, list | tuple):
            yield _commented(f"{toml_key(entry.key)} = [", entry.why)
            yield from (f"    {toml_value(one)}," for one in entry.value)
            yield "]"
        else:
            yield _commented(line, entry.why)


def _commented(line: str, why: str | None) -> str:
    return f"{line:<{COMMENT_AT}}# {_one_line(why)}" if why and len(line) < COMMENT_AT else (
        f"{line}  # {_one_line(why)}" if why else line
    )  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
