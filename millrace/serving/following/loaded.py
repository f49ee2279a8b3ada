"""May these bundles answer for one pointer together?"""

from dataclasses import dataclass

from millrace.adapters.scorer import Scorer
from millrace.domain.bundle import Schema
from millrace.domain.pointer import ArmRole, Pointer
from millrace.errors import MillraceError


@dataclass(frozen=True)
class Loaded:
    """A pointer with a proven scorer for each of its arms, by digest."""

    pointer: Pointer
    scorers: dict[str, Scorer]


class ClashingArmsError(MillraceError):
    """Two bundles that both answer want different requests, or give different answers."""

    def __init__(self, champion: str, other: str, what: str, found: object, needed: object) -> None:
        self.champion, self.other, self.what, self.found, self.needed = champion, other, what, found, needed
        super().__init__(
            f"{what} of the answering bundle {other[:12]}: found {found}, needed {needed}, as in "
            f"{champion[:12]}. Publish it as a shadow, or roll it out whole"
        )


def check_agreement(loaded: Loaded) -> None:
    """Check that one request can fit every arm that answers.

    Ranges, nulls and categories may differ: a request must then keep to what all of them allow.

    Raises
    ------
    ClashingArmsError
        If two differ in their task, or in the type of a column of both.
    """
    answering = [arm.digest for arm in loaded.pointer.arms if arm.role is ArmRole.ANSWER]
    champion = loaded.pointer.champion
    for at, one in enumerate(answering):
        for other in answering[at + 1 :]:
            first, second = (one, other) if other != champion else (other, one)
            _compare(first, loaded.scorers[first].schema, second, loaded.scorers[second].schema)


def _compare(champion: str, needed: Schema, other: str, found: Schema) -> None:
    pairs: dict[str, tuple[object, object]] = {"task": (found.task.value, needed.task.value)}
    columns = {column.name: column for column in needed.inputs}
    for column in found.inputs:
        if column.name in columns:
            types = (column.type.value, columns[column.name].type.value)
            pairs[f"type of column {column.name}"] = types
    for what, (one, two) in pairs.items():
        if one != two:
            raise ClashingArmsError(champion, other, what, one, two)
