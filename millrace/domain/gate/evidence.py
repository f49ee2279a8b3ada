"""What does the gate look at?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from millrace.domain.canonical import sha256_of
from millrace.domain.config import Rule
from millrace.domain.config.section import Section
from millrace.domain.facts import Agreement
from millrace.domain.gate.code import Code
from millrace.domain.gate.measurement import Measurement, NoEvidenceError, NotMeasured, Source, find_flaw
from millrace.domain.losses import FloatArray, IntArray, StrArray
from millrace.domain.metric_terms import HALF, RowLoss

M = TypeVar("M", bound=Measurement)
S = TypeVar("S", bound=Section)

ROLES = ("challenger", "champion", "baseline", "best")
"""Whose answers a judged set has."""


@dataclass(frozen=True, eq=False)
class JudgedSet:
    """The rows that judge: the same for every bundle, all scored in this run.

    `best` are the answers of the best champion there ever was, on golden; None where they
    are not asked for, as `champion` is None for the first model ever. `looks` counts the
    earlier judgements on this very set. `slices` has the values of some columns, as texts; `keys`, where
    rows have one, tells them apart. `thresholds` has from which probability on each role decides for the
    positive class, a half where it has none of its own; `own_loss` is the user's. `groups` has,
    for each rule that looks at some rows by themselves, the group of each row by its columns.
    """

    source: Source
    labels: FloatArray
    blocks: StrArray
    challenger: FloatArray
    champion: FloatArray | None
    baseline: FloatArray
    best: FloatArray | None
    looks: int
    slices: Mapping[str, StrArray] = field(default_factory=dict)
    keys: npt.NDArray[np.uint64] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    own_loss: RowLoss | None = None
    groups: Mapping[Rule, Mapping[str, StrArray]] = field(default_factory=dict)

    def threshold_of(self, answers: FloatArray) -> float | None:
        """Return the threshold of the bundle whose answers these are; None where they are nobody's here."""
        roles = (role for role in ROLES if getattr(self, role) is answers)
        return next((self.thresholds.get(role, HALF) for role in roles), None)

    @property
    def set_id(self) -> str:
        return self.source.rows

    @cached_property
    def repeated_keys(self) -> int:
        """Count the rows that have the key of another one before them."""
        return 0 if self.keys is None else int(self.keys.size - np.unique(self.keys).size)

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

    `measured` is what the rules judge that look at more than losses on the two sets. `unrecorded_golden`
    says how the golden policy differs from the one that is recorded; empty where it does not.

    Of several classes `constant` has the share of each among the rows that were learned from; a class that
    it has no share for, a judged set can have all the same. `constant` is None where it was chosen by another
    metric and the rows to choose it again are gone.
    """

    run_key: str
    champion_digest: str | None
    best_digest: str | None
    challenger_digest: str
    baseline_digest: str
    recent: JudgedSet
    golden: JudgedSet
    constant: float | tuple[float, ...] | None
    agreement: Agreement
    measured: Mapping[Rule, Measurement | NotMeasured] = field(default_factory=dict)
    unrecorded_golden: str = ""

    def find(self, rule: Rule, kind: type[M]) -> M:
        """Return what was measured for a rule.

        Raises
        ------
        NoEvidenceError
            If it was not measured, or is of another run, bundle or rows, or holds what is no number.
        """
        found = self.measured.get(rule)
        if isinstance(found, NotMeasured):
            raise NoEvidenceError(found.code, found.reason)
        if not isinstance(found, kind):
            raise NoEvidenceError(Code.ABSENT, "it was not measured")
        if (flaw := find_flaw(found, self.expected)) is not None:
            raise NoEvidenceError(*flaw)
        return found

    @property
    def expected(self) -> tuple[Source, Source]:
        """Of what every measurement must be: this run's, of the challenger, on recent or golden rows."""
        first, second = (
            Source(self.run_key, self.challenger_digest, judged.set_id)
            for judged in (self.recent, self.golden)
        )
        return first, second


def asked_of(section: S | None, rule: Rule) -> S:
    """Return what `model.toml` asks of a rule.

    Raises
    ------
    NoEvidenceError
        If it has no such section: the registry asks no rule without.
    """
    if section is None:
        raise NoEvidenceError(Code.ABSENT, f"model.toml has no [gate.{rule}]")
    return section


def judged_set_id(blocks: StrArray) -> str:
    """Name a judged set by its blocks, so that a second look at it is known as one."""
    return sha256_of([str(name) for name in np.unique(blocks)])
