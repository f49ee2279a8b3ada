"""What was found out about a table, and how sure is that?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from millrace.domain.kinds import Task
from millrace.domain.proposal.wishes import Wishes
from millrace.domain.table_scan import TableScan

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_GROUPS = 12
"""A column with more values is no slice that a person reads, and no groups to be compared."""


class Cause(StrEnum):
    """Why a column is no feature."""

    PERSONAL = "personal data"
    LEAK = "knows the target"
    EMPTY = "nothing to learn from"
    IDENTIFIER = "identifier"
    ROLE = "has another role"
    UNUSABLE = "no feature"


@dataclass(frozen=True)
class LeftOut:
    """A column that is no feature. What is `dropped` is not even kept in the dataset."""

    column: str
    cause: Cause
    why: str
    dropped: bool = False


@dataclass(frozen=True)
class Doubt:
    """What could be otherwise; `line` of model.toml, or an option of the command, decides it."""

    what: str
    line: str


@dataclass(frozen=True)
class Target:
    """What is to be predicted. `classes` with their rows, the commonest first; none for a regression."""

    column: str
    task: Task
    rows: int
    classes: tuple[tuple[str, int], ...]
    why: str
    doubts: tuple[Doubt, ...] = ()

    @property
    def rarest(self) -> int:
        """The rows of the rarest class, all rows for a regression."""
        return min((rows for _, rows in self.classes), default=self.rows)


@dataclass(frozen=True)
class Feature:
    """A column a model may see. `note` is what a person should know of it.

    `personal` says that it looks like data about persons, and was allowed by name.
    """

    column: str
    kind: str
    note: str | None = None
    personal: bool = False


@dataclass(frozen=True)
class Split:
    """How rows are divided: blocks, and the shares of them that judge.

    `recent` and `golden` are rows expected there of all labelled ones; blocks are counted on the sample.
    """

    golden_share: float
    recent_share: float
    recent: int
    golden: int
    recent_blocks: int
    golden_blocks: int
    training: int
    min_blocks: int
    block: str | None = None
    until: date | None = None
    window: str | None = None


@dataclass(frozen=True)
class SeenBatch:
    """One accepted batch: its rows, and how many of them have no value in each column."""

    rows: int
    nulls: "Mapping[str, int]"

    def null_share(self, column: str) -> float:
        return self.nulls.get(column, 0) / self.rows


@dataclass(frozen=True)
class Seen:
    """What the numbers are from, in words, and batch by batch where there was more than one file."""

    words: str = "the first file"
    batches: tuple[SeenBatch, ...] = ()

    def null_share(self, column: str, whole: float) -> float:
        """Return the largest share of a batch, `whole` where none was counted by itself."""
        return max((one.null_share(column) for one in self.batches if one.rows), default=whole)


@dataclass(frozen=True, eq=False)
class Draft:
    """All that follows from the table alone, before anything was fitted."""

    wishes: Wishes
    scan: TableScan
    target: Target
    time: str | None
    key: tuple[str, ...]
    group: str | None
    why: "Mapping[str, str]"
    features: tuple[Feature, ...]
    left_out: tuple[LeftOut, ...]
    sensitive: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    split: Split
    personal_keys: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    seen: Seen = Seen()
    hidden: "Mapping[str, Mapping[str, object]]" = field(default_factory=dict)
    """Columns whose values may stand nowhere, each with the clauses about values that a person gave it."""

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        return tuple(one.column for one in self.left_out if one.dropped)

    @cached_property
    def why_left_out(self) -> dict[str, str]:
        return {one.column: one.why for one in self.left_out}

    @cached_property
    def feature(self) -> dict[str, Feature]:
        return {one.column: one for one in self.features}

    def of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(one.column for one in self.features if one.kind == kind)

    def is_kind(self, column: str, kind: str) -> bool:
        return column in self.feature and self.feature[column].kind == kind


@dataclass(frozen=True)
class Probe:
    """What fits on a sample have shown, out of fold. Losses are of the gate's metric, lower is better.

    `noise` is by how much two versions as good as each other differ on the recent rows at the gate's
    confidence, `golden_noise` on the golden ones; `baseline_noise` is that of the chosen estimator
    and the linear one, `baseline_excess` by how much the chosen one is worse.
    """

    rows: int
    estimator: str
    losses: "Mapping[str, float]"
    constant: float
    noise: float
    golden_noise: float
    baseline_noise: float
    baseline_excess: float
    sample_noise: float
    why: str
    parameters: "Mapping[str, object]" = field(default_factory=dict)

    @property
    def level(self) -> float:
        return self.losses[self.estimator]


@dataclass(frozen=True)
class Entry:
    """One key of model.toml, its value, and why it is so."""

    key: str
    value: object
    why: str | None = None


@dataclass(frozen=True)
class Block:
    """One section of model.toml: `above` stands over it, `why` beside its name."""

    name: str
    entries: tuple[Entry, ...]
    why: str | None = None
    above: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Proposal:
    """A whole model.toml with its reasons."""

    draft: Draft
    probe: Probe | None
    blocks: Sequence[Block]
    doubts: tuple[Doubt, ...] = field(default=())
