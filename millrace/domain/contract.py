"""What must a batch satisfy, and what did it break?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One broken clause of the contract.

    `column` is None for a rule about the whole batch. `examples` are the first few
    offenders as `row: value`, rows counted from 0. A violation that is not `waivable`
    (a file that cannot be read, a missing column, a wrong type) cannot be released.
    """

    clause: str
    column: str | None
    count: int
    message: str
    examples: tuple[str, ...] = ()
    waivable: bool = True
