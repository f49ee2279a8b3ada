"""What was tried with judged rows, and what became of the answers?"""

from dataclasses import dataclass, replace

import numpy as np

from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import JudgedSet
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.losses import FloatArray, IntArray

NOISE, MISSING, UNKNOWN = "noise", "missing", "unknown"


@dataclass(frozen=True, eq=False)
class Change:
    """The answers to rows with values changed in so many `columns`, paired with `Robustness.positions`.

    `odd` counts answers that are no number; then there are no `answers`.
    """

    name: str
    columns: int
    odd: int
    answers: FloatArray | None


@dataclass(frozen=True)
class Alike:
    """So many rows, told in another way in so many columns, and how many answers differ."""

    name: str
    rows: int
    columns: int
    differing: int


@dataclass(frozen=True)
class Extreme:
    """So many rows with one outermost value, and how many answers are no number."""

    name: str
    rows: int
    odd: int


@dataclass(frozen=True)
class Steps:
    """How many steps of one feature went the wrong way, and by how much at most."""

    name: str
    steps: int
    wrong: int
    farthest: float


@dataclass(frozen=True, eq=False)
class Attack:
    """For which judged rows, by their positions, another decision was found nearby; 1 or 0 for each."""

    columns: int
    positions: IntArray
    found: IntArray


@dataclass(frozen=True)
class ToTry:
    """How many features of the bundle there are for each part, and outermost values of its numbers.

    What was tried in fewer was not measured; of what there is none, nothing is to be tried.
    """

    numbers: int
    nullable: int
    open: int
    extremes: int

    def features_for(self, change: str) -> int:
        """Return how many features the change of this name is for."""
        return {NOISE: self.numbers, MISSING: self.nullable, UNKNOWN: self.open}[change]


@dataclass(frozen=True, eq=False)
class Robustness(Measurement):
    """What became of the answers to judged rows, by their `positions`; what was not asked is not there."""

    to_try: ToTry
    positions: IntArray
    alike: tuple[Alike, ...]
    extremes: tuple[Extreme, ...]
    changes: tuple[Change, ...] = ()
    monotone: tuple[Steps, ...] = ()
    attack: Attack | None = None


def take_tried(judged: JudgedSet, positions: IntArray) -> JudgedSet:
    """Return the judged rows that were tried.

    Raises
    ------
    NoEvidenceError
        If one is none of them, or is there twice.
    """
    if positions.min() < 0 or positions.max() >= judged.labels.size:
        raise NoEvidenceError(
            Code.OTHER_ROWS, f"row {positions.max()} of {judged.labels.size} judged ones was tried"
        )
    if np.unique(positions).size != positions.size:
        raise NoEvidenceError(Code.DUPLICATED, "a judged row was tried twice")
    return replace(
        judged,
        labels=judged.labels[positions],
        blocks=judged.blocks[positions],
        challenger=judged.challenger[positions],
        baseline=judged.baseline[positions],
        champion=None,
        best=None,
        slices={},
        keys=None,
        groups={},
    )
