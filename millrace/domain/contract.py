"""What must a batch satisfy, and what did it break?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Violation:
    """One broken clause of the contract.

    `column` is None for a rule about the whole batch. `examples` are the first few
    offenders as `row: value`, rows counted from 0. A violation that is not `waivable`
    (a file that cannot be read, a missing column, a wrong type) cannot be released. `about` tells
    apart what one clause finds of several things: classes, opinions, pairs of values.
    """

    clause: str
    column: str | None
    count: int
    message: str
    examples: tuple[str, ...] = ()
    waivable: bool = True
    about: str = ""

    @property
    def matter(self) -> tuple[str, str | None, str]:
        """What it is about, whatever was counted of it."""
        return self.clause, self.column, self.about


def hide_values(violations: Sequence[Violation], hidden: Collection[str]) -> tuple[Violation, ...]:
    """Take the examples of hidden columns away: the rows are told, and not what stands there."""
    return tuple(_without_values(one) if one.column in hidden else one for one in violations)


def _without_values(violation: Violation) -> Violation:
    rows = tuple(f"{example.partition(':')[0]}: hidden" for example in violation.examples)
    return replace(violation, examples=rows)
