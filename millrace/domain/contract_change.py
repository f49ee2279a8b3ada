"""In what do two contracts differ, and which of them lets more in?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from millrace.domain.canonical import canonical_json, sha256_of
from millrace.domain.config import ContractSection
from millrace.domain.listing import name_some

SHOWN = 6
_LOWER_IS_TIGHTER = {"max_duplicate_share": True, "max_null_share": True, "max": True,
    "min_rows": False, "min_label_share": False, "min": False}  # fmt: skip
_WIDER_TYPES = {("int", "float")}
"""No text is among them: a file that has the values as such and not as texts passes the other type only."""


class Direction(StrEnum):
    """What a difference does to the batches that come."""

    LOOSER = "looser"
    TIGHTER = "tighter"
    OTHER = "other"
    """Neither: some are let in that were not, and some are not that were."""
    NEW = "new column"
    GONE = "no such column"


@dataclass(frozen=True)
class Difference:
    """One clause that two contracts do not share.

    `column` is None for a clause about the whole batch, `clause` where a column as a whole is in one of the
    contracts only. A clause that one of them does not have is None there.
    """

    column: str | None
    clause: str | None
    old: Any
    new: Any
    direction: Direction

    @property
    def place(self) -> str:
        return ".".join(filter(None, (self.column, self.clause)))

    def tell(self) -> str:
        """Return the difference as one line."""
        return f"{self.place}: {say_value(self.old)} -> {say_value(self.new)} ({self.direction})"


def contract_text(contract: ContractSection) -> str:
    """Write a contract so that equal contracts are equal texts, whatever is added to contracts later."""
    return canonical_json(_plain(contract))


def contract_digest(contract: ContractSection) -> str:
    """Return the SHA-256 of what the contract says."""
    return sha256_of(_plain(contract))


def compare_contracts(old: ContractSection, new: ContractSection) -> tuple[Difference, ...]:
    """List the clauses that differ, those about the whole batch first, then by column.

    `direction` says what `new` does that `old` did not.
    """
    return (*_compare_wholes(old, new), *_compare_columns(old, new))


def only_tightens(differences: tuple[Difference, ...]) -> bool:
    """Say whether every batch that passes now would have passed before."""
    return all(one.direction is Direction.TIGHTER for one in differences)


def _compare_wholes(old: ContractSection, new: ContractSection) -> Iterator[Difference]:
    for clause in ("min_rows", "max_duplicate_share", "min_label_share"):
        before, after = getattr(old, clause), getattr(new, clause)
        if before != after:
            yield Difference(None, clause, before, after, _direction(clause, before, after))
    if {*old.ignored} != {*new.ignored}:
        direction = _of_sets({*old.ignored}, {*new.ignored})
        yield Difference(None, "ignored", old.ignored, new.ignored, direction)


def _compare_columns(old: ContractSection, new: ContractSection) -> Iterator[Difference]:
    before, after = _plain(old)["columns"], _plain(new)["columns"]
    for name in dict.fromkeys([*old.columns, *new.columns]):
        if name not in after:
            yield Difference(name, None, before[name], None, Direction.GONE)
        elif name not in before:
            yield Difference(name, None, None, after[name], Direction.NEW)
        else:
            yield from _compare_clauses(name, before[name], after[name])


def _compare_clauses(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for clause in ("type", "max_null_share", "min", "max", "categories", "pattern"):
        absent = 0.0 if clause == "max_null_share" else None
        before, after = old.get(clause, absent), new.get(clause, absent)
        if clause == "categories" and before and after and {*before} == {*after}:
            continue
        if before != after:
            yield Difference(name, clause, before, after, _direction(clause, before, after))


def _direction(clause: str, old: Any, new: Any) -> Direction:
    if clause == "type":
        if (old, new) in _WIDER_TYPES:
            return Direction.LOOSER
        return Direction.TIGHTER if (new, old) in _WIDER_TYPES else Direction.OTHER
    if old is None or new is None:
        return Direction.TIGHTER if old is None else Direction.LOOSER
    if clause == "categories":
        return _of_sets({*old}, {*new})
    if clause == "pattern":
        return Direction.OTHER
    return Direction.TIGHTER if (new < old) is _LOWER_IS_TIGHTER[clause] else Direction.LOOSER


def _of_sets(old: set[str], new: set[str]) -> Direction:
    if new <= old:
        return Direction.TIGHTER
    return Direction.LOOSER if old <= new else Direction.OTHER


def _plain(contract: ContractSection) -> dict[str, Any]:
    """Return what the contract says, without what it leaves unsaid, in an order that means nothing."""
    said = {"columns": {}, **contract.model_dump(mode="json", exclude_defaults=True)}
    for of, lists in ((said, "ignored"), *((column, "categories") for column in said["columns"].values())):
        if of.get(lists):
            of[lists] = sorted({*of[lists]})
    return said


def say_value(value: Any) -> str:
    """Write a value of a clause for people."""
    match value:
        case None:
            return "none"
        case dict():
            return ", ".join(f"{key} {say_value(one)}" for key, one in value.items())
        case list() | tuple():
            return name_some([str(one) for one in value], SHOWN) if value else "none"
        case float():
            return f"{value:.12g}"
        case _:
            return str(value)
