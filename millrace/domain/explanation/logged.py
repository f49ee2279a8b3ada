"""What is known of one logged answer: whose it is, what it came of, and whether it can be had again?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.explanation.answer import InputEffect, RowExplanation
from millrace.domain.explanation.truth import Truth
from millrace.domain.kinds import Task


@dataclass(frozen=True)
class AnswerExplanation:
    """A row of a request as the log has it, and what its version answers to it today.

    `logged` is None where the version gave no answer, and `error` then names the kind of error. `again` is
    None where the row could not be asked again, for which `trouble` is the reason; then `inputs` are only
    placed. `hidden` inputs are kept from the log by model.toml, `unlogged` ones are missing for another
    reason. `earlier` rows have the same name and were answered before. `threshold` is what the version
    decides by, if it does. `truth` is None while no label has come, which `label_due` says when to expect.
    """

    model: str
    request_id: str
    row: int
    rows: int
    earlier: int
    at: datetime
    digest: str
    generation: int
    role: str
    task: Task
    classes: tuple[str, ...]
    logged: tuple[float, ...] | None
    error: str | None
    again: RowExplanation | None
    trouble: str | None
    inputs: tuple[InputEffect, ...]
    difference: float | None
    tolerance: float
    hidden: tuple[str, ...]
    unlogged: tuple[str, ...]
    damages: int
    threshold: float | None = None
    truth: Truth | None = None
    label_due: datetime | None = None

    @property
    def is_same(self) -> bool | None:
        """Whether the answer today is the logged one; None where one of them is missing."""
        return None if self.difference is None else self.difference <= self.tolerance
