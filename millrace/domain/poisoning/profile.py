"""What is kept of each accepted batch, so that later ones can be compared with it?"""

from dataclasses import dataclass
from enum import StrEnum


class Opinion(StrEnum):
    """Who says what a label should be."""

    CHAMPION = "champion"
    BATCH = "batch"
    """A model that has learned from the other parts of the batch."""


@dataclass(frozen=True)
class Disagreement:
    """Of the rows that an opinion is surest of, how many have another label; None as `column` is all rows."""

    opinion: Opinion
    column: str | None
    value: str | None
    rows: int
    disagreeing: int


@dataclass(frozen=True)
class BatchProfile:
    """The counts of one batch.

    `labels` are the rows of each class, empty for a regression; that has the `mean` and `deviation`
    of its target.
    """

    rows: int
    labelled: int
    labels: dict[str, int]
    mean: float | None = None
    deviation: float | None = None
    disagreements: tuple[Disagreement, ...] = ()
