"""What does the gate look at?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from millrace.domain.canonical import sha256_of
from millrace.domain.facts import Agreement
from millrace.domain.losses import FloatArray, IntArray, StrArray


@dataclass(frozen=True, eq=False)
class JudgedSet:
    """The rows that judge: the same for every bundle, all scored in this run.

    `best` are the answers of the best champion there ever was, on golden; None where they
    are not asked for, as `champion` is None for the first model ever. `looks` counts the
    earlier judgements on this very set. `slices` has the values of some columns, as texts.
    """

    set_id: str
    labels: FloatArray
    blocks: StrArray
    challenger: FloatArray
    champion: FloatArray | None
    baseline: FloatArray
    best: FloatArray | None
    looks: int
    slices: Mapping[str, StrArray] = field(default_factory=dict)

    @cached_property
    def block_positions(self) -> IntArray:
        """Return the block of each row as a number, in the order of the names; shape (n_rows,)."""
        return np.unique(self.blocks, return_inverse=True)[1]

    @property
    def n_blocks(self) -> int:
        return int(self.block_positions.max(initial=-1)) + 1


@dataclass(frozen=True, eq=False)
class GateEvidence:
    """Everything measured about a challenger. `constant` is the constant baseline's answer.

    Of several classes `constant` has the share of each among the rows that were learned from; a class that
    it has no share for, a judged set can have all the same.
    """

    champion_digest: str | None
    best_digest: str | None
    challenger_digest: str
    baseline_digest: str
    recent: JudgedSet
    golden: JudgedSet
    constant: float | tuple[float, ...]
    agreement: Agreement


def judged_set_id(blocks: StrArray) -> str:
    """Name a judged set by its blocks, so that a second look at it is known as one."""
    return sha256_of([str(name) for name in np.unique(blocks)])
